// Publishes to a topic, or prints what is published.
//
//   node pubsub.js subscribe news [FROM-REVISION]
//   node pubsub.js publish news 'it rains'
'use strict';
const { Etcd3 } = require('etcd3');

const etcd = new Etcd3({ hosts: process.env.ETCD_ENDPOINT || '127.0.0.1:23790' });

async function publish(topic, message) {
  const { header } = await etcd.put(`/topics/${topic}`).value(message);
  console.log(`published ${message} at ${header.revision}`);
}

// The client reconnects by itself and goes on after the last revision that it has seen: no message is missed or comes
// twice. Who stores that revision with what it did can be restarted, too, and goes on from there.
async function subscribe(topic, from) {
  const builder = etcd.watch().key(`/topics/${topic}`).only('put');
  if (from) builder.startRevision(from);
  const watcher = await builder.create();
  console.log(`subscribed to ${topic}`);
  watcher.on('put', (kv) => console.log(`${kv.mod_revision} ${kv.value}`));
  watcher.on('disconnected', (error) => console.error(`reconnecting: ${error.message}`));
  watcher.on('error', (error) => {
    console.error(`messages were lost: ${error.message}`); // compacted before this subscriber came back for them
    process.exit(1);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => watcher.cancel().then(() => etcd.close()));
  }
}

const [verb, topic, argument] = process.argv.slice(2);
if (verb === 'publish' && argument !== undefined) {
  publish(topic, argument).then(() => etcd.close());
} else if (verb === 'subscribe' && topic) {
  subscribe(topic, argument);
} else {
  console.error('usage: node pubsub.js publish TOPIC MESSAGE | subscribe TOPIC [FROM-REVISION]');
  process.exit(2);
}
