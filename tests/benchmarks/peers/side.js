// SPDX-License-Identifier: AGPL-3.0-or-later
//
// One side of a measured sync: does what it is asked, one request after the
// other. A request is a line of JSON on standard input with the name of a deed
// in `do`; its answer is a line on standard output, "= " and JSON, for the
// libraries may print what they like. Ends when nobody asks any more.
'use strict'

const fs = require('fs')
const readline = require('readline')

// Answers requests with what these functions of a request return, as promises.
function answer (deeds) {
  const lines = readline.createInterface({ input: process.stdin })
  let before = Promise.resolve()
  lines.on('line', (line) => {
    before = before.then(() => doIt(deeds, JSON.parse(line)))
  })
  lines.on('close', () => process.exit(1))
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
}

async function doIt (deeds, request) {
  try {
    say(await deeds[request.do](request))
  } catch (error) {
    say({ failed: String((error && error.stack) || error) })
  }
  if (request.do === 'quit') process.exit(0)
}

function say (answer) {
  process.stdout.write('= ' + JSON.stringify(answer || {}) + '\n')
}

// Neither library lets all of its errors be caught where they are caused.
function fail (error) {
  say({ failed: String((error && error.stack) || error) })
}

// The runs of a corpus: a line each, { log, entries }.
async function * runs (path) {
  for await (const line of readline.createInterface({ input: fs.createReadStream(path) })) {
    yield JSON.parse(line)
  }
}

module.exports = { answer, runs }
