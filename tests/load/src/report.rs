//! The table that a run ends with: figures beside their goals.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

/// Figures in the order of their measurement.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<[String; 4]>,
}

/// A bound, and which side of it is good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

impl Goal {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
            Self::Below(bound) => figure < bound,
        }
    }
}

impl Report {
    /// Adds a figure that has no goal; it is also shown at once, as the next may take a while.
    pub(crate) fn figure(&mut self, name: &str, figure: impl Into<String>) {
        self.add(name, figure.into(), String::new(), String::new());
    }

    /// Adds a figure with its goal, both written by `write`.
    pub(crate) fn against(&mut self, name: &str, figure: f64, goal: Goal, write: impl Fn(f64) -> String) {
        let (sign, bound) = match goal {
            Goal::AtLeast(bound) => ("≥", bound),
            Goal::AtMost(bound) => ("≤", bound),
            Goal::Below(bound) => ("<", bound),
        };
        let met = if goal.is_met(figure) { "met" } else { "missed" };
        self.add(name, write(figure), format!("{sign} {}", write(bound)), met.to_owned());
    }

    fn add(&mut self, name: &str, figure: String, goal: String, met: String) {
        eprintln!("{name}: {figure} {met}");
        self.rows.push([name.to_owned(), figure, goal, met]);
    }

    /// Prints the table, which is Markdown as well.
    pub(crate) fn print(self) {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(["what", "figure", "goal", ""]);
        table.add_rows(self.rows);
        for column in table.column_iter_mut().skip(1).take(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{table}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_knows_its_good_side() {
        assert!(Goal::AtLeast(2.0).is_met(2.0) && !Goal::AtLeast(2.0).is_met(1.9));
        assert!(Goal::AtMost(2.0).is_met(2.0) && !Goal::AtMost(2.0).is_met(2.1));
        assert!(Goal::Below(2.0).is_met(1.9) && !Goal::Below(2.0).is_met(2.0));
    }
}
