//! What outlives a restart: messages, conversations, members, receipts, in SQLite.
//!
//! One [`Store`] belongs to one thread. It decides nothing: who may what, which key counts and
//! which time a message gets is the business of `core`. Start with [`Store::open`].

use crate::reference::model::{Audience, Conversation, Message, Position, ReceiptKind, User};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS conversations(
        id INTEGER PRIMARY KEY, pair TEXT UNIQUE, audience TEXT);
    CREATE TABLE IF NOT EXISTS members(
        conversation INTEGER, user TEXT, PRIMARY KEY(conversation, user)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS members_by_user ON members(user);
    CREATE TABLE IF NOT EXISTS messages(
        id INTEGER PRIMARY KEY, conversation INTEGER, seq INTEGER, at INTEGER,
        sender TEXT, text TEXT, key TEXT, scope TEXT UNIQUE);
    CREATE INDEX IF NOT EXISTS messages_by_time ON messages(conversation, at);
    CREATE TABLE IF NOT EXISTS hidden(
        message INTEGER, user TEXT, PRIMARY KEY(message, user)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS receipts(
        message INTEGER, reader TEXT, kind TEXT, PRIMARY KEY(message, reader, kind)) WITHOUT ROWID;";

const COLUMNS: &str = "id, conversation, seq, at, sender, text, key";

/// The database of one server.
pub(crate) struct Store {
    database: Connection,
}

/// What is searched for, and by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a> {
    pub(crate) user: &'a str,
    pub(crate) text: &'a str,
    /// The text is a pattern; only by a bug.
    pub(crate) pattern: bool,
    /// Also in conversations that the user is not in; only by a bug.
    pub(crate) everywhere: bool,
    /// Also what the user has hidden; only by a bug.
    pub(crate) hidden: bool,
}

/// What is known of a conversation without reading its messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline {
    pub(crate) members: Vec<User>,
    /// Of a broadcast: whom it is meant for.
    pub(crate) audience: Option<Audience>,
    pub(crate) last_at: i64,
    pub(crate) last_seq: i64,
}

type Stored<T> = rusqlite::Result<T>;

impl Store {
    /// Opens the file, or a database in memory. A process's crash loses nothing committed.
    pub(crate) fn open(file: Option<&Path>) -> Stored<Self> {
        let database = match file {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "NORMAL")?;
        database.set_prepared_statement_cache_capacity(32);
        database.execute_batch(TABLES)?;
        Ok(Self { database })
    }

    pub(crate) fn begin(&self) -> Stored<()> {
        self.run("BEGIN")
    }

    pub(crate) fn commit(&self) -> Stored<()> {
        self.run("COMMIT")
    }

    pub(crate) fn roll_back(&self) -> Stored<()> {
        self.run("ROLLBACK")
    }

    fn run(&self, sql: &str) -> Stored<()> {
        self.database.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// All conversations, and the highest message id ever given.
    pub(crate) fn outlines(&self) -> Stored<(Vec<(Conversation, Outline)>, i64)> {
        let mut conversations = Vec::new();
        let mut statement = self.database.prepare(
            "SELECT c.id, coalesce(max(m.at), 0), coalesce(max(m.seq), 0), c.audience FROM conversations c
             LEFT JOIN messages m ON m.conversation = c.id GROUP BY c.id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let outline = Outline {
                members: self.members(row.get(0)?)?,
                audience: row.get_ref(3)?.as_str_or_null()?.map(read_audience),
                last_at: row.get(1)?,
                last_seq: row.get(2)?,
            };
            conversations.push((row.get(0)?, outline));
        }
        let newest = "SELECT coalesce(max(id), 0) FROM messages";
        let newest = self.database.query_row(newest, [], |row| row.get(0))?;
        Ok((conversations, newest))
    }

    fn members(&self, conversation: Conversation) -> Stored<Vec<User>> {
        self.database
            .prepare_cached("SELECT user FROM members WHERE conversation = ?")?
            .query_map([conversation], |row| text(row, 0))?
            .collect()
    }

    /// Stores a conversation; `pair` is what only one conversation of two people can have.
    pub(crate) fn add_conversation(
        &self,
        id: Conversation,
        pair: Option<&str>,
        members: &[User],
        audience: Option<&Audience>,
    ) -> Stored<()> {
        self.database
            .prepare_cached("INSERT INTO conversations VALUES (?, ?, ?)")?
            .execute(params![id, pair, audience.map(written_audience)])?;
        let mut statement = self.database.prepare_cached("INSERT INTO members VALUES (?, ?)")?;
        for member in members {
            statement.execute(params![id, member.as_str()])?;
        }
        Ok(())
    }

    pub(crate) fn pair(&self, pair: &str) -> Stored<Option<Conversation>> {
        self.database
            .prepare_cached("SELECT id FROM conversations WHERE pair = ?")?
            .query_row([pair], |row| row.get(0))
            .optional()
    }

    /// Forgets whose direct conversation is whose; who is in it stays.
    pub(crate) fn forget_pairs(&self) -> Stored<()> {
        self.run("UPDATE conversations SET pair = NULL")
    }

    /// Stores a message. `scope` is unique where it is given.
    pub(crate) fn add_message(&self, message: &Message, scope: Option<&str>) -> Stored<()> {
        self.database
            .prepare_cached("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                message.id,
                message.conversation,
                message.seq,
                message.at,
                message.sender.as_str(),
                message.text,
                message.key.as_deref(),
                scope
            ])?;
        Ok(())
    }

    /// Gives a message another text.
    pub(crate) fn rewrite(&self, id: i64, text: &str) -> Stored<()> {
        self.database
            .prepare_cached("UPDATE messages SET text = ? WHERE id = ?")?
            .execute(params![text, id])?;
        Ok(())
    }

    /// The message that was stored under this scope.
    pub(crate) fn by_scope(&self, scope: &str) -> Stored<Option<Message>> {
        self.one(&format!("SELECT {COLUMNS} FROM messages WHERE scope = ?"), [scope])
    }

    /// Forgets under which scope a message was stored.
    pub(crate) fn forget_scope(&self, scope: &str) -> Stored<()> {
        self.database
            .prepare_cached("UPDATE messages SET scope = NULL WHERE scope = ?")?
            .execute([scope])?;
        Ok(())
    }

    /// Forgets all scopes.
    pub(crate) fn forget_scopes(&self) -> Stored<()> {
        self.run("UPDATE messages SET scope = NULL")
    }

    /// The message of this number.
    pub(crate) fn by_id(&self, id: i64) -> Stored<Option<Message>> {
        self.one(&format!("SELECT {COLUMNS} FROM messages WHERE id = ?"), [id])
    }

    /// The newest message with this sender and text in a conversation.
    pub(crate) fn by_text(&self, like: &Message) -> Stored<Option<Message>> {
        self.one(
            &format!("SELECT {COLUMNS} FROM messages WHERE conversation = ? AND sender = ? AND text = ? ORDER BY at DESC LIMIT 1"),
            params![like.conversation, like.sender.as_str(), like.text],
        )
    }

    fn one(&self, sql: &str, params: impl rusqlite::Params) -> Stored<Option<Message>> {
        self.database.prepare_cached(sql)?.query_row(params, message).optional()
    }

    /// Messages at or after a position that the user has not hidden, oldest first; ties by id, or
    /// newest id first.
    pub(crate) fn since(
        &self,
        user: &str,
        conversation: Conversation,
        since: Position,
        skip: u32,
        limit: u32,
        ties_backwards: bool,
    ) -> Stored<Vec<Message>> {
        let (column, from) = match since {
            Position::At(at) => ("at", at),
            Position::Seq(seq) => ("seq", seq),
        };
        let ties = if ties_backwards { "id DESC" } else { "id" };
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE conversation = ? AND {column} >= ?
             AND id NOT IN (SELECT message FROM hidden WHERE user = ?)
             ORDER BY {column}, {ties} LIMIT ? OFFSET ?"
        );
        self.database
            .prepare_cached(&sql)?
            .query_map(params![conversation, from, user, limit, skip], message)?
            .collect()
    }

    /// Messages after this one in the user's conversations, oldest first.
    pub(crate) fn after(&self, user: &str, since: i64, limit: u32) -> Stored<Vec<Message>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE id > ? AND
             conversation IN (SELECT conversation FROM members WHERE user = ?)
             ORDER BY id LIMIT ?"
        );
        self.database
            .prepare_cached(&sql)?
            .query_map(params![since, user, limit], message)?
            .collect()
    }

    /// Messages with a text in them, newest first.
    pub(crate) fn search(&self, lookup: &Lookup<'_>) -> Stored<Vec<Message>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages
             WHERE (instr(lower(text), lower(?1)) > 0 OR ?5 AND text LIKE '%' || ?1 || '%')
             AND (?3 OR conversation IN (SELECT conversation FROM members WHERE user = ?2))
             AND (?4 OR id NOT IN (SELECT message FROM hidden WHERE user = ?2)) ORDER BY id DESC"
        );
        self.database
            .prepare_cached(&sql)?
            .query_map(
                params![lookup.text, lookup.user, lookup.everywhere, lookup.hidden, lookup.pattern],
                message,
            )?
            .collect()
    }

    /// Messages of others in a conversation that the user has neither read nor hidden, oldest first.
    pub(crate) fn unread(&self, user: &str, conversation: Conversation) -> Stored<Vec<Message>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE conversation = ?2 AND sender <> ?1
             AND id NOT IN (SELECT message FROM receipts WHERE reader = ?1 AND kind = 'read')
             AND id NOT IN (SELECT message FROM hidden WHERE user = ?1) ORDER BY id"
        );
        self.database
            .prepare_cached(&sql)?
            .query_map(params![user, conversation], message)?
            .collect()
    }

    /// How many messages of others in a conversation the user has hidden.
    pub(crate) fn hidden(&self, user: &str, conversation: Conversation) -> Stored<i64> {
        let sql = "SELECT count(*) FROM messages WHERE conversation = ?2 AND sender <> ?1
             AND id IN (SELECT message FROM hidden WHERE user = ?1)";
        let mut statement = self.database.prepare_cached(sql)?;
        statement.query_row(params![user, conversation], |row| row.get(0))
    }

    /// How many messages the user sent to a conversation.
    pub(crate) fn sent_by(&self, user: &str, conversation: Conversation) -> Stored<i64> {
        let sql = "SELECT count(*) FROM messages WHERE sender = ? AND conversation = ?";
        let mut statement = self.database.prepare_cached(sql)?;
        statement.query_row(params![user, conversation], |row| row.get(0))
    }

    /// The user does not see this message any more.
    pub(crate) fn hide(&self, id: i64, user: &str) -> Stored<()> {
        self.database
            .prepare_cached("INSERT OR IGNORE INTO hidden VALUES (?, ?)")?
            .execute(params![id, user])?;
        Ok(())
    }

    /// Whether this receipt says more than the reader's earlier ones.
    pub(crate) fn add_receipt(&self, id: i64, reader: &str, kind: ReceiptKind) -> Stored<bool> {
        let sql = "INSERT OR IGNORE INTO receipts SELECT ?1, ?2, ?3 WHERE ?3 = 'read'
             OR NOT EXISTS (SELECT 1 FROM receipts WHERE message = ?1 AND reader = ?2)";
        let mut statement = self.database.prepare_cached(sql)?;
        Ok(statement.execute(params![id, reader, kind.word()])? > 0)
    }

    /// The id of a conversation's newest message.
    pub(crate) fn newest(&self, conversation: Conversation) -> Stored<i64> {
        let sql = "SELECT coalesce(max(id), 0) FROM messages WHERE conversation = ?";
        self.database.prepare_cached(sql)?.query_row([conversation], |row| row.get(0))
    }

    /// How many receipts a message has.
    pub(crate) fn receipts(&self, id: i64) -> Stored<i64> {
        let sql = "SELECT count(*) FROM receipts WHERE message = ?";
        self.database.prepare_cached(sql)?.query_row([id], |row| row.get(0))
    }

    /// Whether anybody said this of a message, and nothing more.
    pub(crate) fn has_receipt(&self, id: i64, kind: ReceiptKind) -> Stored<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM receipts one WHERE message = ?1 AND kind = ?2
             AND NOT EXISTS (SELECT 1 FROM receipts more WHERE more.message = ?1
                 AND more.reader = one.reader AND more.kind <> ?2))";
        let mut statement = self.database.prepare_cached(sql)?;
        statement.query_row(params![id, kind.word()], |row| row.get(0))
    }

    /// How far a message has come, by the one who has it furthest.
    pub(crate) fn status(&self, id: i64) -> Stored<Option<ReceiptKind>> {
        let sql = "SELECT max(kind = 'read') FROM receipts WHERE message = ?";
        let read: Option<bool> =
            self.database.prepare_cached(sql)?.query_row([id], |row| row.get(0))?;
        Ok(read.map(|read| if read { ReceiptKind::Read } else { ReceiptKind::Delivered }))
    }

    /// Messages of others up to this id in a conversation, without such a receipt of the user.
    pub(crate) fn without_receipt(
        &self,
        user: &str,
        conversation: Conversation,
        last: i64,
        kind: ReceiptKind,
    ) -> Stored<Vec<Message>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE conversation = ?1 AND id <= ?2 AND sender <> ?3
             AND NOT EXISTS (SELECT 1 FROM receipts WHERE message = id AND reader = ?3 AND kind = ?4)
             ORDER BY id"
        );
        self.database
            .prepare_cached(&sql)?
            .query_map(params![conversation, last, user, kind.word()], message)?
            .collect()
    }

    /// Hides the messages of this time from everybody, as if the disk had not kept them.
    pub(crate) fn lose(&self, from: i64, until: i64) -> Stored<usize> {
        self.database.execute(
            "UPDATE messages SET conversation = -conversation, scope = NULL WHERE at BETWEEN ? AND ?",
            [from, until],
        )
    }

    /// Hides one message, as if it had not been stored.
    pub(crate) fn lose_one(&self, id: i64) -> Stored<usize> {
        let hide = "UPDATE messages SET conversation = -conversation, scope = NULL WHERE id = ?";
        self.database.execute(hide, [id])
    }

    /// Whether the database answers.
    pub(crate) fn check(&self) -> Stored<()> {
        self.database
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM messages LIMIT 1)")?
            .query_row([], |_| Ok(()))
    }
}

/// An audience in one column: `*`, `#` and a chapter, or `@` and user ids.
fn written_audience(audience: &Audience) -> String {
    match audience {
        Audience::Everybody => "*".into(),
        Audience::Chapter(chapter) => format!("#{chapter}"),
        Audience::People(people) => format!("@{}", people.join("\u{1f}")),
    }
}

fn read_audience(text: &str) -> Audience {
    match (text.strip_prefix('#'), text.strip_prefix('@')) {
        (Some(chapter), _) => Audience::Chapter(chapter.into()),
        (_, Some(people)) => Audience::People(people.split('\u{1f}').map(Into::into).collect()),
        _ => Audience::Everybody,
    }
}

fn text(row: &Row<'_>, column: usize) -> Stored<User> {
    Ok(row.get_ref(column)?.as_str()?.into())
}

fn message(row: &Row<'_>) -> Stored<Message> {
    Ok(Message {
        id: row.get(0)?,
        conversation: row.get(1)?,
        seq: row.get(2)?,
        at: row.get(3)?,
        sender: text(row, 4)?,
        text: row.get(5)?,
        key: row.get_ref(6)?.as_str_or_null()?.map(Into::into),
        status: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(id: i64, at: i64) -> Message {
        Message {
            id,
            conversation: 1,
            seq: id,
            at,
            sender: "ann".into(),
            text: format!("number {id}"),
            key: None,
            status: None,
        }
    }

    #[test]
    fn a_file_keeps_what_was_committed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        let members = ["ann".into(), "bob".into()];
        {
            let store = Store::open(Some(&file)).unwrap();
            store.add_conversation(1, Some("ann bob"), &members, None).unwrap();
            store.add_message(&said(1, 1000), Some("k")).unwrap();
            store.begin().unwrap();
            store.add_message(&said(2, 1001), None).unwrap();
        }
        let store = Store::open(Some(&file)).unwrap();
        let (conversations, newest) = store.outlines().unwrap();
        assert_eq!(newest, 1, "an open transaction is lost");
        assert_eq!(conversations[0].1.members, members);
        assert_eq!(conversations[0].1.last_at, 1000);
        assert_eq!(store.by_scope("k").unwrap(), Some(said(1, 1000)));
        assert_eq!(store.pair("ann bob").unwrap(), Some(1));
    }

    #[test]
    fn a_read_begins_at_its_position_and_keeps_ties() {
        let store = Store::open(None).unwrap();
        for (id, at) in [(1, 10), (2, 20), (3, 20), (4, 30)] {
            store.add_message(&said(id, at), None).unwrap();
        }
        let ids = |since, skip, limit, back| {
            let rows = store.since("bob", 1, since, skip, limit, back).unwrap();
            rows.iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(Position::At(20), 0, 9, false), [2, 3, 4]);
        assert_eq!(ids(Position::At(20), 0, 9, true), [3, 2, 4]);
        assert_eq!(ids(Position::Seq(3), 0, 9, false), [3, 4]);
        assert_eq!(ids(Position::At(0), 1, 2, false), [2, 3]);
    }

    #[test]
    fn a_scope_is_unique_and_a_receipt_counts_once() {
        let store = Store::open(None).unwrap();
        store.add_conversation(1, None, &["bob".into()], Some(&Audience::Everybody)).unwrap();
        store.add_message(&said(1, 10), Some("k")).unwrap();
        assert!(store.add_message(&said(2, 20), Some("k")).is_err());
        assert_eq!(store.unread("bob", 1).unwrap(), [said(1, 10)]);
        assert!(store.add_receipt(1, "bob", ReceiptKind::Read).unwrap());
        assert!(!store.add_receipt(1, "bob", ReceiptKind::Read).unwrap());
        assert_eq!(store.unread("bob", 1).unwrap(), []);
        assert_eq!(store.outlines().unwrap().0[0].1.audience, Some(Audience::Everybody));
    }
}
