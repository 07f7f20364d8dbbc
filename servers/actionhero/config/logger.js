// Only what is critical, on stderr: stdout has one line, and a log of each refusal would be a load of its own.

const winston = require('winston');

const format = winston.format.printf(({ level, message, stack = '' }) => `actionhero: ${level}: ${message} ${stack.split('\n', 1)}`.trimEnd());
const { levels } = winston.config.syslog;
const stderr = () => new winston.transports.Console({ stderrLevels: Object.keys(levels) });
const logger = () => winston.createLogger({ level: 'crit', levels, format, transports: [stderr()] });

exports.DEFAULT = { logger: () => ({ loggers: [logger] }) };
