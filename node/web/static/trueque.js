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

// The line by which a page hears of changes. A browser has six connections to a node for all its windows
// together, and a line keeps one: a window that nobody looks at lets go of it, and looks once it is seen again.
class Line extends EventTarget {
  constructor(address) {
    super();
    this.address = address;
    this.source = null;
    this.look = () => this.follow(true);
    document.addEventListener("visibilitychange", this.look);
    this.follow(false);
  }

  get readyState() {
    return this.source ? this.source.readyState : EventSource.CONNECTING;
  }

  follow(again) {
    if (document.hidden) {
      if (this.source) this.source.close();
      this.source = null;
    } else if (!this.source) {
      const source = this.source = new EventSource(this.address);
      source.onopen = (event) => { if (this.onopen) this.onopen(event); };
      source.onerror = (event) => {
        if (source.readyState === EventSource.CLOSED) this.forget();
        if (this.onerror) this.onerror(event);
      };
      source.addEventListener("changed", () => this.tell());
      if (again) this.tell();
    }
  }

  tell() {
    this.dispatchEvent(new Event("changed"));
  }

  forget() {
    document.removeEventListener("visibilitychange", this.look);
  }

  close() {
    this.forget();
    if (this.source) this.source.close();
  }
}

if (window.htmx) htmx.createEventSource = (address) => new Line(address);
