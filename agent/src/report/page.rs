//! A page of text under construction. Everything put on it is escaped here, once.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::{Paint, Style};
use crate::base::escape;

/// Text of a page; lines end with [`Page::end`] only, since text itself is escaped.
pub(super) struct Page<'s> {
    out: String,
    pub(super) style: &'s Style,
}

impl<'s> Page<'s> {
    pub(super) fn new(style: &'s Style) -> Self {
        Page { out: String::new(), style }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Puts text on the current line.
    pub(super) fn put(&mut self, paint: Paint, text: &str) -> &mut Self {
        self.style.paint(&mut self.out, paint, &escape(text));
        self
    }

    /// Puts spaces on the current line.
    pub(super) fn space(&mut self, columns: usize) -> &mut Self {
        self.out.extend(std::iter::repeat_n(' ', columns));
        self
    }

    /// Ends the current line, without trailing spaces.
    pub(super) fn end(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
    }

    /// An empty line and a heading, with a faint remark behind it.
    pub(super) fn heading(&mut self, title: &str, remark: &str) {
        self.end();
        self.put(Paint::Strong, title);
        if !remark.is_empty() {
            self.put(Paint::Faint, &format!("  {remark}"));
        }
        self.end();
    }

    /// A sentence from the current column on, broken at spaces; later lines start at `indent`.
    pub(super) fn wrap(&mut self, column: usize, indent: usize, paint: Paint, text: &str) {
        let text = escape(text);
        let mut column = column;
        let mut line = String::new();
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            let needed = usize::from(!line.is_empty()) + word.width();
            if !line.is_empty() && column + needed > self.style.width {
                self.style.paint(&mut self.out, paint, &line);
                self.end();
                self.space(indent);
                column = indent;
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
                column += 1;
            }
            column += word.width();
            line.push_str(word);
        }
        self.style.paint(&mut self.out, paint, &line);
        self.end();
    }
}

/// Columns that `text` takes on a terminal once escaped.
pub(super) fn columns(text: &str) -> usize {
    escape(text).width()
}

/// `text`, escaped and cut to `width` columns, with an ellipsis in place of what is missing.
pub(super) fn clip(text: &str, width: usize) -> String {
    let text = escape(text);
    // A flood of combining marks takes no column, so characters are bounded too.
    if text.width() <= width && text.chars().count() <= 4 * width {
        return text.into_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars().take(4 * width) {
        used += c.width().unwrap_or(0);
        if used >= width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_by_columns() {
        assert_eq!(clip("entrance", 8), "entrance");
        assert_eq!(clip("entrance-1", 8), "entranc…");
        assert_eq!(clip("摄像头一号", 6), "摄像…");
        assert_eq!(clip("\x1b[31m", 6), "\\x1b[…");
        assert!(clip(&format!("e{}", "\u{301}".repeat(500)), 8).chars().count() <= 33);
    }

    #[test]
    fn wraps_with_an_indent() {
        let style = Style { color: false, width: 20 };
        let mut page = Page::new(&style);
        page.put(Paint::Plain, "  - ");
        page.wrap(4, 4, Paint::Plain, "mirror both directions\nof port 7");
        assert_eq!(page.finish(), "  - mirror both\n    directions\\x0aof\n    port 7\n");
    }
}
