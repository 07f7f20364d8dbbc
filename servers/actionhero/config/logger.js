// Warnings and worse, on stderr: stdout has one line, and logs of each frame would be a load of their own.

const winston = require('winston');

const format = winston.format.printf(({ level, message }) => `actionhero: ${level}: ${message}`);
const { levels } = winston.config.syslog;
const stderr = () => new winston.transports.Console({ stderrLevels: Object.keys(levels) });
const logger = () => winston.createLogger({ level: 'warning', levels, format, transports: [stderr()] });

exports.DEFAULT = { logger: () => ({ loggers: [logger] }) };
