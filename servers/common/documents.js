// A server's part of the document store: its collections, and what every server asks of it.

import { MongoClient } from 'mongodb';

/** The code of the error with which a unique index refuses a row. */
export const DUPLICATE = 11000;

export class Documents {
  /** Each of the collections is a field with its name. */
  constructor(url, collections) {
    this.client = new MongoClient(url, { maxPoolSize: 10, serverSelectionTimeoutMS: 5000 });
    for (const name of ['conversations', 'messages', ...collections]) this[name] = this.client.db().collection(name);
  }

  async open() {
    await this.client.connect();
    return this;
  }

  /** Whoever asks for the health is to have an answer within a second, also when it is no. */
  async ping() {
    await this.client.db().command({ ping: 1 }, { timeoutMS: 1000 });
  }

  async conversation(conversationId) {
    return this.conversations.findOne({ _id: conversationId });
  }

  async close() {
    await this.client.close();
  }
}

/** Stores a row, unless there is one with its id or another unique index refuses it. Answers whether it was stored. */
export async function insertOnce(collection, row) {
  try {
    await collection.insertOne(row);
    return true;
  } catch (error) {
    if (error.code !== DUPLICATE) throw error;
    return false;
  }
}
