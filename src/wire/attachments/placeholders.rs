//! Where the placeholders of a payload stand, found without reading it as JSON.

/// The placeholders of a payload, outside of strings: start, end and the number they name.
pub(super) struct Placeholders<'a> {
    payload: &'a [u8],
    at: usize,
}

impl<'a> Placeholders<'a> {
    pub(super) fn of(payload: &'a str) -> Self {
        Placeholders { payload: payload.as_bytes(), at: 0 }
    }

    /// Moves behind the string that begins at the current quote.
    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(&byte) = self.payload.get(self.at) {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
    }

    /// Reads a placeholder that begins at the current brace; `None` if it is another object.
    fn read(&self) -> Option<(usize, u64)> {
        let mut cursor = Cursor { bytes: self.payload, at: self.at + 1 };
        let (mut marked, mut number) = (false, None);
        loop {
            if cursor.token(b"\"_placeholder\"").is_some() && !marked {
                cursor.token(b":")?;
                cursor.token(b"true")?;
                marked = true;
            } else if cursor.token(b"\"num\"").is_some() && number.is_none() {
                cursor.token(b":")?;
                number = Some(cursor.number()?);
            } else {
                return None;
            }
            if cursor.token(b",").is_none() {
                break;
            }
        }
        cursor.token(b"}")?;
        if marked { Some((cursor.at, number?)) } else { None }
    }
}

impl Iterator for Placeholders<'_> {
    type Item = (usize, usize, u64);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(&byte) = self.payload.get(self.at) {
            match byte {
                b'"' => self.skip_string(),
                b'{' => match self.read() {
                    Some((end, number)) => {
                        let start = std::mem::replace(&mut self.at, end);
                        return Some((start, end, number));
                    }
                    None => self.at += 1,
                },
                _ => self.at += 1,
            }
        }
        None
    }
}

/// Reads JSON tokens, with white space between them.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn skip_space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// Moves behind `token` if it stands here.
    fn token(&mut self, token: &[u8]) -> Option<()> {
        self.skip_space();
        self.bytes.get(self.at..)?.starts_with(token).then(|| self.at += token.len())
    }

    /// Reads a natural number; one beyond 64 bits counts as the greatest.
    fn number(&mut self) -> Option<u64> {
        self.skip_space();
        let start = self.at;
        let mut number = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            number = number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }
}
