// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A side that speaks Hypercore: a Corestore in a folder, with a core for each
// log and a block for each entry. A run is appended as one batch. Whoever
// receives downloads every core continuously, "non sparse mode", as the README
// of Hypercore has it, over one replication stream of the whole Corestore.
'use strict'

const fs = require('fs')
const net = require('net')
const path = require('path')
const { performance } = require('perf_hooks')
const Corestore = require('corestore')
const { answer, runs } = require('./side')

let store
let cores = []
let server
let socket
let total = 0 // blocks of all cores that are here
let whenTotal = () => {}

function nameOf (log) {
  return { name: `log-${log}` }
}

// Reads "keys", which the sending side wrote: a receiver must know the keys of all cores beforehand.
function keysIn (file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

async function make ({ folder, corpus }) {
  store = new Corestore(folder)
  await store.ready()
  const made = new Map()
  let entries = 0
  for await (const run of runs(corpus)) {
    if (!made.has(run.log)) {
      const core = store.get(nameOf(run.log))
      await core.ready()
      made.set(run.log, core)
    }
    await made.get(run.log).append(run.entries.map((entry) => Buffer.from(entry, 'base64')))
    entries += run.entries.length
  }
  const keys = [...made.keys()].sort((a, b) => a - b).map((log) => made.get(log).key.toString('hex'))
  fs.writeFileSync(path.join(folder, 'keys'), JSON.stringify(keys))
  return { entries }
}

async function serve ({ folder }) {
  store = new Corestore(folder)
  cores = keysIn(path.join(folder, 'keys')).map((_, log) => store.get(nameOf(log)))
  await Promise.all(cores.map((core) => core.ready()))
  server = net.createServer((incoming) => link(incoming, false))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: server.address().port, entries: cores.reduce((sum, core) => sum + core.length, 0) }
}

async function open ({ folder, known }) {
  store = new Corestore(folder)
  cores = keysIn(known).map((key) => store.get(Buffer.from(key, 'hex')))
  await Promise.all(cores.map((core) => core.ready()))
  total = held()
  for (const core of cores) {
    core.on('download', () => {
      total += 1
      whenTotal()
    })
    core.download({ start: 0, end: -1 })
  }
  return { entries: total }
}

function held () {
  return cores.reduce((sum, core) => sum + core.contiguousLength, 0)
}

function link (stream, initiates) {
  stream.setNoDelay(true)
  stream.on('error', () => {})
  const replication = store.replicate(initiates)
  replication.on('error', () => {})
  stream.pipe(replication).pipe(stream)
}

// A block is told of as downloaded when it has been verified and written.
async function receive ({ port, entries }) {
  const begun = performance.now()
  socket = net.connect(port, '127.0.0.1')
  link(socket, true)
  await new Promise((resolve) => {
    whenTotal = () => total >= entries && resolve()
    whenTotal()
  })
  const seconds = (performance.now() - begun) / 1000
  if (held() !== entries) throw new Error(`${held()} entries are held in place of ${entries}`)
  return { seconds, stored: seconds }
}

async function add ({ log, entry }) {
  await cores[log].append(Buffer.from(entry, 'base64'))
}

async function part () {
  if (socket.closed) return // Hypercore leaves a link over which nothing is wanted
  await new Promise((resolve) => socket.once('close', resolve).destroy())
}

async function quit () {
  if (socket) socket.destroy()
  if (server) server.close()
  if (store) await store.close()
}

answer({ make, serve, open, receive, add, part, quit })
