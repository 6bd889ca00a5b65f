// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A side that speaks Secure Scuttlebutt: secret-stack with ssb-db2, what it has
// for EBT, and ssb-ebt, all with their defaults. Each log is a classic feed,
// each entry a message whose content has as many bytes as the entry. Both sides
// request every feed, as a replication scheduler would have them do.
'use strict'

const crypto = require('crypto')
const fs = require('fs')
const net = require('net')
const path = require('path')
const { performance } = require('perf_hooks')
const { promisify } = require('util')
const SecretStack = require('secret-stack')
const ssbKeys = require('ssb-keys')
const classic = require('ssb-classic/format')
const { answer, runs } = require('./side')

require('sodium-native') // else the verification in JavaScript would be measured

const NETWORK = crypto.createHash('sha256').update('ensayo').digest('base64')
const INDEXES = ['base', 'keys', 'ebt']

let node
let rpc
let clock = {} // feed => sequence of its newest message
let total = 0
let whenTotal = () => {}

function keysOf (what) {
  return ssbKeys.generate('ed25519', crypto.createHash('sha256').update(what).digest())
}

function sign (keys, entry, previous, timestamp) {
  const content = { type: 'entry', text: entry }
  return classic.newNativeMsg({ keys, content, previous, timestamp, hmacKey: null })
}

async function freePort () {
  const taken = net.createServer()
  await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address()
  await new Promise((resolve) => taken.close(resolve))
  return port
}

async function start (folder, name) {
  const port = await freePort()
  node = SecretStack({ caps: { shs: NETWORK } })
    .use(require('ssb-db2'))
    .use(require('ssb-db2/compat/ebt'))
    .use(require('ssb-ebt'))
    .call(null, {
      path: folder,
      keys: keysOf(name),
      timers: { inactivity: -1 },
      connections: {
        incoming: { net: [{ scope: 'device', transform: 'shs', host: '127.0.0.1', port }] },
        outgoing: { net: [{ transform: 'shs' }] }
      }
    })
  clock = await promisify(node.getVectorClock)()
  total = Object.values(clock).reduce((sum, sequence) => sum + sequence, 0)
  node.db.onMsgAdded(() => {
    total += 1
    whenTotal()
  })
  return port
}

// What the sending side wrote: a receiver must know whose feeds it wants.
function feedsIn (file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

function request (feeds) {
  for (const feed of feeds) node.ebt.request(feed, true)
}

async function drained () {
  for (const index of INDEXES) await new Promise((resolve) => node.db.onDrain(index, resolve))
}

async function make ({ folder, corpus }) {
  await start(folder, 'sender')
  const logs = new Map()
  let entries = 0
  for await (const run of runs(corpus)) {
    const keys = logs.has(run.log) ? logs.get(run.log).keys : keysOf(`log ${run.log}`)
    let previous = logs.has(run.log) ? logs.get(run.log).last : null
    const messages = run.entries.map((entry) => {
      const value = sign(keys, entry, previous, 1893456000000 + entries++)
      previous = { key: classic.getMsgId(value), value }
      return value
    })
    logs.set(run.log, { keys, last: previous })
    await promisify(node.db.addBatch)(messages)
  }
  await drained()
  const feeds = [...logs.keys()].sort((a, b) => a - b).map((log) => logs.get(log).keys.id)
  fs.writeFileSync(path.join(folder, 'feeds'), JSON.stringify(feeds))
  return { entries }
}

async function serve ({ folder }) {
  const port = await start(folder, 'sender')
  request(feedsIn(path.join(folder, 'feeds')))
  await drained()
  return { port, entries: total }
}

async function open ({ folder, known }) {
  await start(folder, 'receiver')
  request(feedsIn(known))
  await drained()
  return { entries: total }
}

// ssb-db2 tells of a message when it is in the log's memory; onDrain, when the
// log has been written and synced, and the index stands on it.
async function receive ({ port, entries }) {
  const begun = performance.now()
  const sender = keysOf('sender').id.slice(1).replace('.ed25519', '')
  rpc = await promisify(node.connect)(`net:127.0.0.1:${port}~shs:${sender}`)
  await new Promise((resolve) => {
    whenTotal = () => total >= entries && resolve()
    whenTotal()
  })
  await new Promise((resolve) => node.db.getLog().onDrain(resolve))
  const stored = (performance.now() - begun) / 1000
  await drained()
  const seconds = (performance.now() - begun) / 1000
  const sequences = Object.values(await promisify(node.getVectorClock)())
  const held = sequences.reduce((sum, sequence) => sum + sequence, 0)
  if (held !== entries) throw new Error(`${held} entries are held in place of ${entries}`)
  return { seconds, stored }
}

async function add ({ log, entry }) {
  await promisify(node.db.create)({ keys: keysOf(`log ${log}`), content: { type: 'entry', text: entry } })
  await drained()
}

async function part () {
  await new Promise((resolve) => rpc.close(true, resolve))
}

async function quit () {
  if (node) await new Promise((resolve) => node.close(resolve))
}

answer({ make, serve, open, receive, add, part, quit })
