import 'reflect-metadata';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { AppModule } from '../src/app.module.js';
import type { Received } from '../src/producer/producer.controller.js';
import { unique } from './support.js';

let app: INestApplication;
let producer: string;

before(async () => {
  process.env.PRODUCER_QUEUE = unique('nest', true);
  app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  producer = `${await app.getUrl()}/producer/sqs`;
});

after(() => app.close());

async function send(body: unknown): Promise<string> {
  const answer = await fetch(producer, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  const { messageId } = (await answer.json()) as { messageId: string };
  assert.match(messageId, /^[A-Za-z0-9_-]{1,80}$/);
  return messageId;
}

async function receive(): Promise<Received[]> {
  const answer = await fetch(producer);
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()) as Received[];
}

test('a message that is given back is received again at once, a deleted one never again', async () => {
  const bodies = [{ order: 1, text: '봉수 & <x> "quoted"\r\n' }, { order: 2, nested: { list: [1, null, 2.5] } }];
  const ids: string[] = [];
  for (const body of bodies) ids.push(await send(body));
  assert.equal(new Set(ids).size, 2);

  const first = await receive();
  assert.deepEqual(first, bodies.map((body, index) => ({ messageId: ids[index], body })));

  const second = await receive();
  assert.deepEqual(second, [{ messageId: ids[1], body: bodies[1] }]);

  assert.deepEqual(await receive(), [], 'the second was deleted by the receive that saw it as its first');
});

test('equal bodies are messages of their own', async () => {
  const ids = [await send({ same: true }), await send({ same: true })];
  assert.notEqual(ids[0], ids[1]);
  assert.deepEqual((await receive()).map((message) => message.messageId), ids);
  assert.deepEqual((await receive()).map((message) => message.messageId), [ids[1]]);
  assert.deepEqual(await receive(), []);
});

test('the second of three is received again at once, and nothing after the third, which is in flight', async () => {
  const ids: string[] = [];
  for (let order = 0; order < 4; order += 1) ids.push(await send({ order }));
  assert.deepEqual((await receive()).map((message) => message.messageId), ids.slice(0, 3));
  assert.deepEqual((await receive()).map((message) => message.messageId), [ids[1]]);
  assert.deepEqual(await receive(), [], 'the fourth waits for the third');
});
