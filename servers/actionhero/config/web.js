// HTTP on the loopback address, for registration and login.

exports.DEFAULT = {
  web: () => ({
    bindIP: process.env.HOST ?? '127.0.0.1',
    rootEndpointType: 'api',
    // What an action refuses is the client's doing; actionhero's default is 500.
    defaultErrorStatusCode: 400,
  }),
};
