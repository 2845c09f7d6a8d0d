// A counter that many processes add to under a lock, and a queue that many workers share.
//
//   node work.js count visits 10          adds 10 times, one at a time with all others
//   node work.js enqueue jobs paint dry   puts two jobs
//   node work.js work jobs                takes jobs, each of which one worker gets
'use strict';
const { Etcd3, EtcdLockFailedError } = require('etcd3');

const TTL_S = 10; // how long a crashed process keeps the lock
const etcd = new Etcd3({ hosts: process.env.ETCD_ENDPOINT || '127.0.0.1:23790' });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function count(name, times) {
  const lockKey = `/locks/${name}`;
  for (let done = 0; done < times; ) {
    const lock = etcd.lock(lockKey).ttl(TTL_S);
    try {
      await lock.acquire(); // this client's lock does not wait for its turn: whoever asks first after a release has it
    } catch (error) {
      if (!(error instanceof EtcdLockFailedError)) console.error(`again: ${error.message}`);
      await sleep(10 + Math.random() * 50);
      continue;
    }
    try {
      const value = (await etcd.get(`/counters/${name}`).number()) ?? 0;
      // A lock is a promise with an end: a process that was stopped for longer than its TTL still believes that it has it.
      // So the write itself asks.
      const { succeeded } = await etcd
        .if(lockKey, 'Lease', '==', await lock.leaseId())
        .then(etcd.put(`/counters/${name}`).value(value + 1))
        .commit();
      if (succeeded) done++;
    } finally {
      await lock.release().catch((error) => console.error(`the lock goes with its lease: ${error.message}`));
    }
  }
  console.log(`added ${times}, now ${await etcd.get(`/counters/${name}`)}`);
}

async function enqueue(name, items) {
  for (const item of items) {
    await etcd.put(`/queues/${name}/${Date.now()}-${process.hrtime.bigint()}-${process.pid}`).value(item);
    console.log(`enqueued ${item}`);
  }
}

async function work(name) {
  const prefix = `/queues/${name}/`;
  for (;;) {
    try {
      // The oldest first, by the revision that created it: no clock is trusted.
      const { kvs, header } = await etcd.getAll().prefix(prefix).sort('Create', 'Ascend').limit(1).exec();
      if (kvs.length === 0) {
        const watcher = await etcd.watch().prefix(prefix).only('put')
          .startRevision(String(BigInt(header.revision) + 1n)).create();
        await new Promise((resolve, reject) => watcher.once('put', resolve).once('error', reject));
        await watcher.cancel();
        continue;
      }
      // Of all workers that see it, one deletes it.
      const [{ key, value, mod_revision }] = kvs;
      const { succeeded } = await etcd.if(key, 'Mod', '==', mod_revision).then(etcd.delete().key(key)).commit();
      if (succeeded) console.log(`working on ${value}`);
    } catch (error) {
      console.error(`again in a second: ${error.message}`);
      await sleep(1000);
    }
  }
}

const [verb, name, ...rest] = process.argv.slice(2);
const verbs = { count: () => count(name, Number(rest[0])), enqueue: () => enqueue(name, rest), work: () => work(name) };
if (!(verb in verbs) || !name) {
  console.error('usage: node work.js count NAME TIMES | enqueue NAME ITEM... | work NAME');
  process.exit(2);
}
verbs[verb]().then(() => etcd.close());
