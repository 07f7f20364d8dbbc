// An actionhero project's main: the framework's own process on the framework's own terms. What is not its default stands in
// `config/`, with the reason.

const path = require('node:path');

process.env.ACTIONHERO_CONFIG = path.join(__dirname, 'config');
const { Process, api } = require('actionhero');

async function main() {
  const app = new Process();
  app.registerProcessSignals((code) => process.exit(code));
  await app.start();
  const { port } = api.servers.servers.web.server.address();
  console.log(`listening on http://127.0.0.1:${port}`);
}

main();
