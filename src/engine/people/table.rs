//! People from a CSV file: a header line, then a person on each row.

use crate::history::PersonId;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, HoleTable, UserIds};
use rustc_hash::FxHashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The rows of a file, and who sits on which.
pub(super) struct Table {
    path: PathBuf,
    rows: Vec<Bindings>,
    seats: Mutex<FxHashMap<PersonId, usize>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} rows)", self.rows.len())
    }
}

impl Table {
    /// Reads the columns that bind these holes.
    ///
    /// # Errors
    /// The file cannot be read, lacks a column, or a row is not like the others.
    pub(super) fn read(
        path: &Path,
        columns: &[Hole],
        holes: &HoleTable,
        ids: &UserIds,
    ) -> Result<Self, String> {
        let shown = path.display();
        let opened = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path);
        let mut reader = opened.map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
        let header = reader.headers().map_err(|error| format!("`{shown}`: {error}"))?.clone();
        // What Excel puts before the first name.
        let is_called = |found: &str, name: &str| found.trim_start_matches('\u{feff}') == name;
        let mut places = Vec::new();
        for hole in columns {
            let name = holes.name(*hole);
            let place = header.iter().position(|found| is_called(found, name));
            let missing = || format!("`{shown}` has no column `{name}` in its first line");
            places.push((*hole, place.ok_or_else(missing)?));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| format!("`{shown}`: {error}"))?;
            let mut row = Bindings::new();
            for (hole, place) in &places {
                row.set(*hole, scalar(*hole, record.get(*place).unwrap_or_default(), ids));
            }
            rows.push(row);
        }
        Ok(Self { path: path.to_owned(), rows, seats: Mutex::default() })
    }

    /// All rows.
    pub(super) fn rows(&self) -> &[Bindings] {
        &self.rows
    }

    /// Seats these people on the next free rows.
    ///
    /// # Errors
    /// There are too few rows; says both figures.
    pub(super) fn seat(&self, people: &[PersonId]) -> Result<(), String> {
        if people.len() > self.rows.len() {
            let (path, rows) = (self.path.display(), self.rows.len());
            let wanted = people.len();
            return Err(format!("`{path}` has {rows} people, and {wanted} are needed"));
        }
        people.iter().try_for_each(|person| self.row(*person).map(drop))
    }

    /// The row of a person; the next free one for who has none yet.
    pub(super) fn row(&self, person: PersonId) -> Result<&Bindings, String> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let next = seats.len();
        let seat = *seats.entry(person).or_insert(next);
        self.rows.get(seat).ok_or_else(|| {
            let path = self.path.display();
            format!("`{path}` has {} people, and more are needed", self.rows.len())
        })
    }
}

/// A value as the server's own JSON has it.
fn scalar(hole: Hole, value: &str, ids: &UserIds) -> Scalar {
    let number = (hole == Hole::USER && matches!(ids, UserIds::Integer { .. }))
        .then(|| value.parse().ok())
        .flatten();
    number.map_or_else(|| Scalar::Text(value.into()), Scalar::Int)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn table(text: &str, columns: &[Hole]) -> Result<Table, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Table::read(file.path(), columns, &HoleTable::new(), &UserIds::Integer { from: 1 })
    }

    #[test]
    fn rows_are_people_in_their_order_whatever_the_columns_order() {
        let text = "\u{feff}token,name,user\r\n\"a,b\",ann,7\r\nc,bob,8\r\n";
        let table = table(text, &[Hole::USER, Hole::TOKEN]).unwrap();
        table.seat(&[PersonId(40), PersonId(3)]).unwrap();
        let ann = table.row(PersonId(40)).unwrap();
        assert_eq!(ann.get(Hole::USER), Some(&Scalar::Int(7)));
        assert_eq!(ann.get(Hole::TOKEN).unwrap().text(), "a,b");
        assert_eq!(ann.get(Hole::NAME), None);
        assert_eq!(table.row(PersonId(3)).unwrap().get(Hole::USER), Some(&Scalar::Int(8)));
        assert!(table.row(PersonId(9)).unwrap_err().contains("has 2 people"));
    }

    #[test]
    fn what_is_missing_is_said_with_both_figures() {
        let table = table("user,token\n1,x\n", &[Hole::USER, Hole::TOKEN]).unwrap();
        let why = table.seat(&[PersonId(0), PersonId(1), PersonId(2)]).unwrap_err();
        assert!(why.ends_with("has 1 people, and 3 are needed"), "{why}");
        let why = super::tests::table("user\n1\n", &[Hole::TOKEN]).unwrap_err();
        assert!(why.contains("no column `token`"), "{why}");
    }
}
