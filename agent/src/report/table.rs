//! Aligned columns that fit the width: equal columns move to the heading, long cells are cut, the least needed columns go.

use super::page::{Page, clip, columns};
use super::style::Paint;

/// One column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) right: bool,
    /// Cells may be cut to this many columns; `None`: never cut.
    pub(super) least: Option<usize>,
    /// What may happen to it where the table is too wide.
    pub(super) fit: Fit,
}

/// What may happen to a column where the table is too wide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It stays.
    Stay,
    /// It moves to the heading if all its cells are equal, and is left out otherwise.
    Fold,
    /// Its cells move to lines of their own below the row.
    Below,
}

/// One cell.
pub(super) struct Cell {
    text: String,
    paint: Paint,
}

pub(super) fn cell(paint: Paint, text: impl Into<String>) -> Cell {
    Cell { text: text.into(), paint }
}

pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Column widths that fit `width`, if the columns allow it.
    pub(super) fn layout(&self, width: usize, indent: usize) -> Layout {
        let mut layout =
            Layout { widths: self.natural(), below: Vec::new(), common: Vec::new(), left_out: Vec::new(), indent };
        for (at, column) in self.columns.iter().enumerate().rev().filter(|(_, c)| c.fit == Fit::Fold) {
            if layout.total() > width && layout.hide(at) {
                match self.common(at) {
                    Some(text) => layout.common.insert(0, format!("{} {text}", column.title)),
                    None => layout.left_out.insert(0, column.title),
                }
            }
        }
        for (at, _) in self.columns.iter().enumerate().rev().filter(|(_, c)| c.fit == Fit::Below) {
            if layout.total() > width && layout.hide(at) {
                layout.below.insert(0, at);
            }
        }
        for (at, column) in self.columns.iter().enumerate() {
            let over = layout.total().saturating_sub(width);
            if let (Some(least), Some(Some(have))) = (column.least, layout.widths.get_mut(at)) {
                *have -= over.min(have.saturating_sub(least));
            }
        }
        layout
    }

    /// Writes the titles and all rows.
    pub(super) fn write(&self, page: &mut Page<'_>, layout: &Layout) {
        let titles: Vec<Cell> = self.columns.iter().map(|c| cell(Paint::Faint, c.title)).collect();
        self.line(page, layout, &titles);
        for row in &self.rows {
            self.line(page, layout, row);
            let below = layout.below.iter().filter_map(|&at| Some((self.columns.get(at)?, row.get(at)?)));
            for (column, cell) in below.filter(|(_, cell)| !cell.text.is_empty()) {
                let indent = layout.indent + 2;
                page.space(indent).wrap(indent, indent, cell.paint, &format!("{}: {}", column.title, cell.text));
            }
        }
    }

    fn line(&self, page: &mut Page<'_>, layout: &Layout, row: &[Cell]) {
        let mut gap = layout.indent;
        for ((column, width), cell) in self.columns.iter().zip(&layout.widths).zip(row) {
            let Some(width) = *width else { continue };
            let text = clip(&cell.text, width);
            let pad = width.saturating_sub(columns(&text));
            page.space(gap + if column.right { pad } else { 0 }).put(cell.paint, &text);
            gap = 2 + if column.right { 0 } else { pad };
        }
        page.end();
    }

    fn natural(&self) -> Vec<Option<usize>> {
        let widest = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let widest = cells.map(|c| columns(&c.text)).max().unwrap_or(0);
            // A column without a word in it says nothing.
            (widest > 0).then(|| widest.max(column.title.len()))
        };
        self.columns.iter().enumerate().map(widest).collect()
    }

    /// The text that all cells of a column have.
    fn common(&self, at: usize) -> Option<&str> {
        let mut cells = self.rows.iter().filter_map(|row| row.get(at)).map(|c| c.text.as_str());
        let first = cells.next()?;
        cells.all(|c| c == first).then_some(first)
    }
}

/// Widths of the columns that are shown.
pub(super) struct Layout {
    widths: Vec<Option<usize>>,
    below: Vec<usize>,
    common: Vec<String>,
    left_out: Vec<&'static str>,
    indent: usize,
}

impl Layout {
    /// For the heading: what all rows have in common, and what does not fit.
    pub(super) fn remark(&self) -> String {
        let common = if self.common.is_empty() { String::new() } else { format!("all: {}", self.common.join(", ")) };
        let left_out = if self.left_out.is_empty() {
            String::new()
        } else {
            format!("too narrow to show {}", self.left_out.join(", "))
        };
        let parts: Vec<String> = [common, left_out].into_iter().filter(|p| !p.is_empty()).collect();
        parts.join("; ")
    }

    fn total(&self) -> usize {
        let shown = self.widths.iter().flatten();
        self.indent + shown.clone().sum::<usize>() + 2 * shown.count().saturating_sub(1)
    }

    /// False if it was not shown anyway.
    fn hide(&mut self, at: usize) -> bool {
        self.widths.get_mut(at).and_then(Option::take).is_some()
    }
}
