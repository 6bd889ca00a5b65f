// What script adds to pages that work without it.
"use strict";

// A form is sent once: the node would notice too, but nobody has to wonder.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.dataset.sent) {
    if (form.dataset.sent) event.preventDefault();
    return;
  }
  if (form.method === "post") {
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 5000);
  }
});

// A page from the browser's memory (back button) may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-print]");
  if (button) window.print();
});

// A text to copy: chosen whole, so that the keyboard can do it too where the browser does not.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy);
  text.focus();
  text.select();
  document.execCommand("copy");
});

for (const shown of document.querySelectorAll("[data-script]")) shown.hidden = false;
