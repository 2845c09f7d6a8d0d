// A server that registers with a weight, and a client that spreads its requests by the weights.
//
//   node balance.js serve api 10.0.0.1:80 3
//   node balance.js pick api        (prints a server for each line that it reads)
'use strict';
const readline = require('readline');
const { Etcd3 } = require('etcd3');

const TTL_S = 5; // how long a crashed server still gets requests
const etcd = new Etcd3({ hosts: process.env.ETCD_ENDPOINT || '127.0.0.1:23790' });

async function serve(name, address, weight) {
  const lease = etcd.lease(TTL_S);
  lease.on('lost', () => {
    console.error('the lease was lost; again');
    setTimeout(() => serve(name, address, weight), 1000);
  });
  try {
    await lease.put(`/balance/${name}/${address}`).value(weight);
  } catch (error) {
    return; // told as 'lost'
  }
  console.log(`serving at ${address} with weight ${weight}`);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => lease.revoke().then(() => etcd.close()));
  }
}

// Smooth weighted round robin: each gains its weight, the richest is picked and pays all weights. With 3 and 1 that is
// a a b a, not a a a b.
class Balancer {
  servers = new Map(); // address: {weight, credit}

  set(address, weight) {
    this.servers.set(address, { weight: Number(weight), credit: this.servers.get(address)?.credit ?? 0 });
  }

  pick() {
    let best = null;
    let total = 0;
    for (const [address, server] of this.servers) {
      server.credit += server.weight;
      total += server.weight;
      if (best === null || server.credit > this.servers.get(best).credit) best = address;
    }
    if (best !== null) this.servers.get(best).credit -= total;
    return best;
  }
}

async function pick(name) {
  const prefix = `/balance/${name}/`;
  const balancer = new Balancer();
  const current = await etcd.getAll().prefix(prefix).exec();
  for (const kv of current.kvs) balancer.set(String(kv.key).slice(prefix.length), kv.value);
  // From the revision after the list: no change is missed.
  const watcher = await etcd.watch().prefix(prefix).startRevision(String(BigInt(current.header.revision) + 1n)).create();
  const show = () => console.log('servers', ...[...balancer.servers.keys()].sort());
  watcher.on('put', (kv) => { balancer.set(String(kv.key).slice(prefix.length), kv.value); show(); });
  watcher.on('delete', (kv) => { balancer.servers.delete(String(kv.key).slice(prefix.length)); show(); });
  watcher.on('error', (error) => {
    console.error(`changes were lost: ${error.message}`); // compacted while it was away: start anew
    process.exit(1);
  });
  show();
  readline.createInterface({ input: process.stdin })
    .on('line', () => console.log(balancer.pick() ?? 'nobody'))
    .on('close', () => watcher.cancel().then(() => etcd.close()));
}

const [verb, name, address, weight] = process.argv.slice(2);
if (verb === 'serve' && weight > 0) {
  serve(name, address, weight);
} else if (verb === 'pick' && name) {
  pick(name);
} else {
  console.error('usage: node balance.js serve NAME ADDRESS WEIGHT | pick NAME');
  process.exit(2);
}
