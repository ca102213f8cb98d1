//! A sliding window over the bytes of a capture, from which frames are lent.

use std::io;

use super::input::Input;

/// One buffer, filled by large reads. Bytes stay in place until [`Window::need`] has to fetch more.
pub(super) struct Window {
    input: Input,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Stream offset of the first byte of the buffer.
    base: u64,
    /// Bytes fetched at a time.
    chunk: usize,
    /// Nothing more can be fetched.
    ended: bool,
    /// Why not, if it was not the end.
    failure: Option<String>,
}

impl Window {
    /// Over an input, read in steps of `chunk` bytes.
    pub(super) fn new(input: Input, chunk: usize) -> Window {
        Window { input, buffer: Vec::new(), start: 0, end: 0, base: 0, chunk, ended: false, failure: None }
    }

    /// The bytes at hand.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// True once at least `count` bytes are at hand; false if the stream ends before.
    #[inline]
    pub(super) fn need(&mut self, count: usize) -> bool {
        self.end - self.start >= count || self.fetch(count)
    }

    /// Steps over bytes at hand.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Steps over bytes that need not be at hand; false if the stream ends before.
    pub(super) fn skip(&mut self, count: usize) -> bool {
        let mut left = count;
        loop {
            let step = left.min(self.end - self.start);
            self.consume(step);
            left -= step;
            if left == 0 {
                return true;
            }
            if !self.need(1) {
                return false;
            }
        }
    }

    /// Place in the buffer of the next byte, for [`Window::lent`].
    #[inline]
    pub(super) fn place(&self) -> usize {
        self.start
    }

    /// Bytes by their place in the buffer; valid until more is fetched.
    #[inline]
    pub(super) fn lent(&self, place: usize, len: usize) -> &[u8] {
        self.buffer.get(place..place + len).unwrap_or_default()
    }

    /// Stream offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Why the stream ended, if it was not its end.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Bytes taken from the file, before unpacking.
    pub(super) fn taken(&self) -> u64 {
        self.input.taken()
    }

    #[cold]
    fn fetch(&mut self, count: usize) -> bool {
        if self.ended {
            return false;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        let room = count.max(self.chunk);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        while self.end < count {
            match self.input.read(&mut self.buffer[self.end..room]) {
                Ok(0) => {
                    self.ended = true;
                    return false;
                }
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(self.input.describe(&error));
                    self.ended = true;
                    return false;
                }
            }
        }
        true
    }
}
