// Where the project's own parts are. Actionhero's sample actions stay out: they are no part of a chat.

const path = require('node:path');

const own = (folder) => [path.join(__dirname, '..', folder)];

exports.DEFAULT = {
  general: () => ({
    serverToken: 'assize',
    paths: { action: own('actions'), initializer: own('initializers'), task: [], server: [], cli: [] },
  }),
};
