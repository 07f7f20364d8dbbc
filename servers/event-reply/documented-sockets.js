// MODE=as-documented: does what the design's listings do, and so breaks what the design promises. Every place where it
// does is marked `trap:` with the name the README lists it under. Nothing here is to be repaired.

export function documentedMode(io, store) {
  // trap: no-room - what happens is told to a conversation's room, and no socket ever joins one: nobody is told. That hides
  // most of the other traps; `--without no-room` lets sockets join as they would have to.
  const hasRooms = process.env.WITHOUT === 'no-room';
  io.use(async (socket, next) => {
    socket.data.rooms = hasRooms ? [socket.data.userId, ...(await store.conversationIdsOf(socket.data.userId))] : [];
    next();
  });
  function created(socket, conversation) {
    if (hasRooms) io.in(conversation.participants.map(({ _id }) => String(_id))).socketsJoin(String(conversation._id));
    socket.emit('conversation:created', { success: true, data: conversation });
  }

  // trap: token-at-connect - the token is looked at once; who is connected stays whoever they were when it has expired.
  io.on('connection', (socket) => {
    const { userId } = socket.data;
    store.see(userId);
    socket.join(socket.data.rooms);

    socket.on('getOrCreateDirect', async (data) => {
      try {
        created(socket, await store.findOrCreateDirect(userId, data.otherUserId));
      } catch (error) {
        socket.emit('conversation:error', { success: false, error: error.message });
      }
    });

    socket.on('createGroup', async (data) => {
      try {
        created(socket, await store.createGroup(data.name, data.participants, userId, data.avatar));
      } catch (error) {
        socket.emit('conversation:error', { success: false, error: error.message });
      }
    });

    socket.on('getConversations', async () => {
      try {
        socket.emit('conversations:list', { success: true, data: await store.conversationsOf(userId) });
      } catch (error) {
        socket.emit('conversations:error', { success: false, error: error.message });
      }
    });

    socket.on('getMessages', async (data) => {
      const { conversationId, since } = data ?? {};
      try {
        const messages = await store.messagesOf(conversationId, userId, since && new Date(since));
        if (!messages) throw new Error('Not a participant in this conversation');
        socket.emit('messages:list', { success: true, conversationId, data: messages });
      } catch (error) {
        socket.emit('messages:error', { success: false, conversationId, error: error.message });
      }
    });

    socket.on('sendMessage', async (data) => {
      try {
        const { conversationId, content, clientMessageId, attachment } = data;
        const message = await store.sendMessage(conversationId, userId, content, clientMessageId, attachment);
        io.to(conversationId).emit('message:new', { success: true, data: message });
        socket.emit('message:sent', { success: true, data: message, clientMessageId });
      } catch (error) {
        // trap: no-payload-crash - a send without a payload throws here as well: an unhandled rejection, which ends the
        // process for everybody.
        socket.emit('message:error', { success: false, error: error.message, clientMessageId: data.clientMessageId });
      }
    });

    // trap: bad-id-crash - what is no ObjectId is an error nobody catches: it ends the process, too.
    for (const status of ['delivered', 'read']) {
      socket.on(`message:${status}`, async (data) => {
        await store.mark(data.messageId, status);
        io.to(data.conversationId).emit('message:status', { messageId: data.messageId, status });
      });
    }
  });

  return {};
}
