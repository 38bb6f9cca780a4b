//! What each figure measures, which way is good, and why some have no verdict: the page and the guide have these words.

use super::report::ComparedFigure;

/// What a figure says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FigureMeaning {
    /// Its name: "frechet_distance".
    pub name: &'static str,
    /// What it measures.
    pub measures: &'static str,
    /// Which way is good.
    pub good: &'static str,
    /// By how much it fails, or `none` and why.
    pub verdict: &'static str,
    /// Who it is of.
    pub source: &'static str,
}

impl FigureMeaning {
    /// Those of all figures, in the order of a report.
    ///
    /// ```
    /// use millstream::inspect::FigureMeaning;
    ///
    /// let density = FigureMeaning::ALL.iter().find(|of| of.name == "density").unwrap();
    /// assert!(density.good.starts_with("about 1"));
    /// ```
    pub const ALL: &'static [Self] = &[
        Self {
            name: "frechet_distance",
            measures: "The squared distance of two normal distributions with the means and covariances of synthetic and of real rows; of pictures' features the FID",
            good: "low, near that of real rows",
            verdict: "none: its scale differs from data to data, and it grows as rows become fewer",
            source: "Dowson and Landau 1982, Heusel et al. 2017",
        },
        Self {
            name: "kernel_distance",
            measures: "How far the two distributions lie apart by their means, spreads and third moments: the squared maximum mean discrepancy with a cubic kernel (KID)",
            good: "low, about 0 where they are the same",
            verdict: "none: its scale differs from data to data",
            source: "Binkowski et al. 2018",
        },
        Self {
            name: "precision",
            measures: "The share of synthetic rows that look real: they lie in the ball around some real row that reaches to its fifth nearest other one",
            good: "high",
            verdict: "fails more than 0.1 below real rows",
            source: "Kynkäänniemi et al. 2019",
        },
        Self {
            name: "recall",
            measures: "The share of real rows that lie in such a ball around some synthetic row: how much of the real variety is there",
            good: "high",
            verdict: "none: one synthetic row far off has a large ball and lifts it, so coverage is judged",
            source: "Kynkäänniemi et al. 2019",
        },
        Self {
            name: "density",
            measures: "In how many balls around real rows a synthetic row lies, of five, on average",
            good: "about 1; less where rows stray, more where they keep to where real rows are dense",
            verdict: "none: neither side of 1 is the good one",
            source: "Naeem et al. 2020",
        },
        Self {
            name: "coverage",
            measures: "The share of real rows in whose ball a synthetic row lies: how much of the real variety is there",
            good: "high",
            verdict: "fails more than 0.1 below real rows",
            source: "Naeem et al. 2020",
        },
        Self {
            name: "two_sample_accuracy",
            measures: "The share of rows of both kinds that a logistic regression, which did not see them, tells right",
            good: "low, 0.5 where they cannot be told apart",
            verdict: "none: two sample auc judges the same regression by all of its thresholds",
            source: "Lopez-Paz and Oquab 2017",
        },
        Self {
            name: "two_sample_auc",
            measures: "How often that regression finds a synthetic row more synthetic than a real one: the area under its ROC curve",
            good: "low, 0.5 where they cannot be told apart; far below where rows are copies",
            verdict: "fails more than 0.2 above real rows",
            source: "Lopez-Paz and Oquab 2017",
        },
        Self {
            name: "column_shapes",
            measures: "How like the values of a column are spread, on average: 1 less the Kolmogorov-Smirnov distance of numbers, or the total variation of categories",
            good: "high, 1 where they are spread alike",
            verdict: "fails more than 0.05 below real rows",
            source: "SDMetrics (KSComplement, TVComplement)",
        },
        Self {
            name: "column_pairs",
            measures: "How like two columns hang together, on average: by the correlation of numbers, or by the table of categories",
            good: "high, 1 where they hang together alike",
            verdict: "fails more than 0.05 below real rows",
            source: "SDMetrics (CorrelationSimilarity, ContingencySimilarity)",
        },
        Self {
            name: "synthetic_balanced_accuracy",
            measures: "The mean of all classes' recalls on the holdout, by a logistic regression that learnt from synthetic rows alone; beside it by one that learnt from real rows",
            good: "high",
            verdict: "fails more than 0.1 below real rows",
            source: "Esteban et al. 2017 (train on synthetic, test on real)",
        },
        Self {
            name: "synthetic_rarest_third_recall",
            measures: "The mean recall of the third of the classes with the fewest real rows, by the same regression",
            good: "high",
            verdict: "none: it rests on few rows, and is part of the balanced accuracy, which is judged",
            source: "Esteban et al. 2017",
        },
        Self {
            name: "both_balanced_accuracy",
            measures: "The balanced accuracy of a regression that learnt from real and synthetic rows together",
            good: "high",
            verdict: "none: the gain says the same in pairs, and is judged",
            source: "Esteban et al. 2017",
        },
        Self {
            name: "both_rarest_third_recall",
            measures: "The recall of the rarest third by that regression",
            good: "high",
            verdict: "none: it rests on few rows",
            source: "Esteban et al. 2017",
        },
        Self {
            name: "gain_in_balanced_accuracy",
            measures: "What synthetic rows add to real ones in balanced accuracy; beside it what as many repeats of real rows of each class add",
            good: "high",
            verdict: "fails more than 0.02 below repeats",
            source: "the differences of pairs, by seed",
        },
        Self {
            name: "gain_in_rarest_third_recall",
            measures: "The same in the recall of the rarest third",
            good: "high",
            verdict: "none: it rests on few rows",
            source: "the differences of pairs, by seed",
        },
        Self {
            name: "exact_copies",
            measures: "The share of synthetic rows that equal a training row in every value; beside it that of holdout rows",
            good: "low",
            verdict: "fails more than 0.01 above real rows",
            source: "a count",
        },
        Self {
            name: "near_copies",
            measures: "The share that lie no further from a training row than a tenth of the median distance of a training row to its nearest other one",
            good: "low",
            verdict: "fails more than 0.05 above real rows",
            source: "a count",
        },
        Self {
            name: "neighbour_ratio",
            measures: "The median over synthetic rows of the distance to the closest training row by that to the second closest",
            good: "high, near that of real rows; near 0 where single rows are copied",
            verdict: "none: where it lies depends on the data, and a median does not see a few copies, which near copies counts",
            source: "Zhao et al. 2021",
        },
        Self {
            name: "nearer_to_training",
            measures: "The share of synthetic rows that lie nearer to some training row than to any row of the holdout, as if both had as many rows",
            good: "low, 0.5 where the generator knows no more of the one than of the other; 1 where it copies",
            verdict: "fails more than 0.05 above real rows, or above 0.5 where that is more; not judged without a holdout",
            source: "Platzer and Reutterer 2021",
        },
        Self {
            name: "membership_auc",
            measures: "How often a training row lies nearer to its closest synthetic row than a holdout row does to its own: how well an attacker guesses by this who was in the training rows",
            good: "low, 0.5 where it tells nothing",
            verdict: "fails more than 0.05 above real rows, or above 0.5 where that is more; not judged without a holdout",
            source: "Chen et al. 2020",
        },
        Self {
            name: "singling_out",
            measures: "The share of guesses (up to four values of a synthetic row that no other one has) which exactly one training row fits; beside it of the same guesses on the holdout. Of tables alone",
            good: "low",
            verdict: "fails more than 0.1 above real rows; not judged without a holdout",
            source: "Giomi et al. 2023",
        },
        Self {
            name: "worst_class_precision",
            measures: "Precision inside the class that is named: of the classes that are told apart from real rows the one that loses most, else the one that loses most by chance or not",
            good: "high",
            verdict: "fails more than 0.2 below real rows, by an interval for all classes at once",
            source: "Kynkäänniemi et al. 2019, Bonferroni",
        },
        Self {
            name: "worst_class_coverage",
            measures: "Coverage inside the class that is named, which is the worst by this figure",
            good: "high",
            verdict: "fails more than 0.2 below real rows, by an interval for all classes at once",
            source: "Naeem et al. 2020, Bonferroni",
        },
        Self {
            name: "worst_group_precision",
            measures: "Precision inside the group that is named: of the groups that are told apart from real rows the one that loses most, else the one that loses most by chance or not",
            good: "high",
            verdict: "fails more than 0.2 below real rows, by an interval for all groups at once",
            source: "Kynkäänniemi et al. 2019, Bonferroni",
        },
        Self {
            name: "worst_group_coverage",
            measures: "Coverage inside the group that is named, which is the worst by this figure",
            good: "high",
            verdict: "fails more than 0.2 below real rows, by an interval for all groups at once",
            source: "Naeem et al. 2020, Bonferroni",
        },
    ];

    /// All of it in a line: `The share of .. Good: high. Verdict: fails more than 0.1 below real rows. Source: Naeem et al. 2020.`
    pub fn in_words(&self) -> String {
        let Self {
            measures,
            good,
            verdict,
            source,
            ..
        } = self;
        format!("{measures}. Good: {good}. Verdict: {verdict}. Source: {source}.")
    }
}

impl ComparedFigure {
    /// What it measures and which way is good.
    pub fn meaning(&self) -> Option<&'static FigureMeaning> {
        FigureMeaning::ALL.iter().find(|of| of.name == self.name)
    }
}
