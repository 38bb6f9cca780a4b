//! Rows as they are compared.

use crate::error::{Error, Result};
use crate::synthetic::quality::{Column, Encoding, Matrix, Table};

/// One of the three sets of rows.
#[derive(Clone, Debug)]
pub(in crate::inspect) struct Sample {
    /// Columns as they are; none of pictures and features.
    pub(super) table: Option<Table>,
    /// Rows between which distances mean something.
    pub(in crate::inspect) rows: Matrix,
    /// Rows without the label, from which it is learnt.
    pub(super) inputs: Matrix,
    /// The class of each row; none where there is no label.
    pub(super) classes: Option<Vec<u32>>,
    /// The group of each row; none where there is no such column.
    pub(super) groups: Option<Vec<u32>>,
}

/// What the values of a label or of a group column are.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) column: String,
    pub(super) values: Vec<String>,
}

/// All rows, on the way to be measured.
#[derive(Debug)]
pub(in crate::inspect) struct Samples {
    pub(in crate::inspect) real: Sample,
    pub(in crate::inspect) synthetic: Sample,
    pub(in crate::inspect) holdout: Sample,
    pub(super) classes: Option<Names>,
    pub(super) groups: Option<Names>,
    /// The names of categories, by column; none for a column of numbers.
    pub(super) categories: Vec<Option<Vec<String>>>,
}

impl Sample {
    pub(super) fn len(&self) -> usize {
        self.rows.rows()
    }

    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let some = |of: &Vec<u32>| rows.iter().map(|&row| of[row]).collect();
        Self {
            table: self.table.as_ref().map(|table| table.select(rows)),
            rows: self.rows.select(rows),
            inputs: self.inputs.select(rows),
            classes: self.classes.as_ref().map(some),
            groups: self.groups.as_ref().map(some),
        }
    }
}

impl Samples {
    /// Tables of the same columns, of which `label` and `group` are those of classes and groups. Distances are by `real` rows.
    pub(super) fn of_tables(
        [real, synthetic, holdout]: [Table; 3],
        label: Option<usize>,
        group: Option<usize>,
        categories: Vec<Option<Vec<String>>>,
    ) -> Result<Self> {
        let encoding = Encoding::fit(&real, &[&synthetic, &holdout])?;
        let without = |table: &Table| match label {
            Some(label) if table.columns().len() > 1 => {
                let named = table.names().iter().cloned().zip(table.columns().iter().cloned());
                Table::new(
                    named
                        .enumerate()
                        .filter(|(at, _)| *at != label)
                        .map(|(_, column)| column),
                )
            }
            _ => Ok(table.clone()),
        };
        let inputs = Encoding::fit(&without(&real)?, &[&without(&synthetic)?, &without(&holdout)?])?;
        let codes = |table: &Table, at: Option<usize>| match &table.columns()[at?] {
            Column::Categories(codes) => Some(codes.clone()),
            Column::Numbers(_) => None,
        };
        let names = |at: Option<usize>| {
            Some(Names {
                column: real.names()[at?].clone(),
                values: categories[at?].clone()?,
            })
        };
        let (classes, groups) = (names(label), names(group));
        let sample = |table: Table| {
            Ok::<Sample, Error>(Sample {
                rows: encoding.rows(&table)?,
                inputs: inputs.rows(&without(&table)?)?,
                classes: codes(&table, label),
                groups: codes(&table, group),
                table: Some(table),
            })
        };
        Ok(Self {
            real: sample(real.clone())?,
            synthetic: sample(synthetic)?,
            holdout: sample(holdout)?,
            classes,
            groups,
            categories,
        })
    }
}
