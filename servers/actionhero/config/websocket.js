// Primus pings every 30 s by default; here faster, so that a trial of seconds sees some. No client library is written out.

exports.DEFAULT = {
  websocket: () => ({
    clientJsPath: null,
    clientJsName: null,
    server: { pingInterval: Number(process.env.PING_INTERVAL_MS ?? 5000) },
  }),
};
