//! What an error text must not tell a client: the server's inside.

/// Words that stand in a stack trace, a database's message or a path, and in no answer to a user.
/// Each is what a common runtime, driver or file system writes.
const MARKS: &[(&str, &str)] = &[
    ("\n    at ", "a stack trace"),
    ("    at Object.", "a stack trace"),
    ("(node:internal/", "a stack trace"),
    ("node_modules/", "a path of the server"),
    ("Traceback (most recent call last)", "a stack trace"),
    (".py\", line ", "a stack trace"),
    ("goroutine 1 [", "a stack trace"),
    ("panicked at ", "a stack trace"),
    ("stack backtrace:", "a stack trace"),
    ("Exception in thread ", "a stack trace"),
    ("\tat java.", "a stack trace"),
    ("\tat org.", "a stack trace"),
    ("Cannot read propert", "a runtime's own error"),
    ("is not a function", "a runtime's own error"),
    ("NoneType' object", "a runtime's own error"),
    ("invalid input syntax for type ", "a database's error"),
    ("invalid byte sequence for encoding", "a database's error"),
    ("syntax error at or near", "a database's error"),
    ("duplicate key value violates", "a database's error"),
    ("violates not-null constraint", "a database's error"),
    ("SQLSTATE", "a database's error"),
    ("SQLITE_", "a database's error"),
    ("You have an error in your SQL syntax", "a database's error"),
    ("MongoServerError", "a database's error"),
    ("E11000 duplicate key", "a database's error"),
    ("Cast to ObjectId failed", "a database's error"),
    ("INSERT INTO ", "a query"),
    (" FROM messages", "a query"),
    ("/node/src/", "a path of the server"),
    ("/home/", "a path of the server"),
    ("/usr/src/", "a path of the server"),
    ("/var/www/", "a path of the server"),
    ("/app/src/", "a path of the server"),
    ("C:\\", "a path of the server"),
];

/// What an error text gives away, if anything.
pub(super) fn leaked(error: &str) -> Option<&'static str> {
    MARKS.iter().find(|(mark, _)| error.contains(mark)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inside_of_a_server_is_told_from_an_answer() {
        for (error, expected) in [
            ("TypeError: x\n    at send (/srv/chat/message.js:4:1)", Some("a stack trace")),
            ("invalid input syntax for type integer: \"a\"", Some("a database's error")),
            ("ENOENT: /home/chat/data", Some("a path of the server")),
            ("text must be a string of 1 to 1000 characters", None),
            ("at /data/text: expected a string, found null", None),
            ("Message not found at this address", None),
            ("you are not in this conversation, or there is none", None),
        ] {
            assert_eq!(leaked(error), expected, "{error}");
        }
    }
}
