// What is asked over HTTP, below `/api`.

const post = ['register', 'login', 'logout'].map((action) => ({ path: `/${action}`, action }));

exports.DEFAULT = { routes: () => ({ post }) };
