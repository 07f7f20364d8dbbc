// MODE=as-documented: does what the design's listings do, and so breaks what the design promises. Every place where it
// does is marked `trap:` with the name the README lists it under. Nothing here is to be repaired.

export function documentedMode(io, store) {
  io.on('connection', (socket) => {
    const { userId } = socket.data;
    socket.data.conversationIds = new Set();
    socket.join(`user:${userId}`);

    // trap: unchecked-join - whoever knows an id listens.
    // trap: join-gap - the rooms are empty until the client asks, what is sent between connect and join is not pushed.
    socket.on('conversation:join', (conversationId, ack) => {
      const room = `conversation:${conversationId}`;
      socket.join(room);
      socket.data.conversationIds.add(conversationId);
      socket.to(room).emit('user:online', userId);
      if (typeof ack === 'function') ack({ success: true });
    });

    // trap: pipeline-reorder - each call runs on its own over a pool of connections, later sends overtake earlier ones.
    socket.on('message:send', async (conversationId, data, callback) => {
      try {
        // trap: check-then-insert - two calls can both find nothing; the second insert then breaks the UNIQUE column
        // and its sender is told `success: false` about a message that is stored.
        const existing = await store.findMessageByClientId(data.clientMessageId);
        if (existing) return callback({ success: true, messageId: existing.id });

        // trap: unchecked-send - no participant is looked up.
        // trap: unchecked-text - no length, no sanitising.
        // trap: no-rate-limit - as many as the client likes.
        const message = await store.createMessage({
          conversationId,
          senderId: userId,
          text: data.text,
          clientMessageId: data.clientMessageId,
        });
        io.to(`conversation:${conversationId}`).emit('message:new', message);
        callback({ success: true, messageId: message.id });
      } catch (error) {
        // trap: missing-ack-crash - without a callback the call above throws, and so does this one: an unhandled
        // rejection, which ends the process for everybody.
        callback({ success: false, error: error.message });
      }
    });

    // trap: unchecked-typing - typing in a conversation needs no place in it.
    socket.on('typing:start', (conversationId) => {
      socket.to(`conversation:${conversationId}`).emit('typing:start', userId);
    });
    socket.on('typing:stop', (conversationId) => {
      socket.to(`conversation:${conversationId}`).emit('typing:stop', userId);
    });

    // trap: trusted-read - anybody marks any message as read, as often as they like.
    // trap: unknown-read-crash - an id that does not exist is a TypeError nobody catches.
    socket.on('message:read', async (messageId) => {
      const readAt = new Date();
      await store.createReadReceipt({ messageId, userId, readAt });
      const message = await store.getMessage(messageId);
      io.to(`user:${message.senderId}`).emit('message:read', {
        messageId,
        readBy: userId,
        readAt: readAt.toISOString(),
      });
    });

    // trap: offline-with-device - the user counts as gone as soon as one of their devices is.
    // trap: typing-forever - who drops while typing never stops.
    socket.on('disconnect', () => {
      for (const conversationId of socket.data.conversationIds) {
        socket.to(`conversation:${conversationId}`).emit('user:offline', userId);
      }
    });
  });

  return {
    // trap: unchecked-history - the caller has a token, which is all that is asked for.
    history: (conversationId, userId, params) => store.history(conversationId, params.get('since')),
    conversationCreated() {},
  };
}
