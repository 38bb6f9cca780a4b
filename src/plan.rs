//! What a pipeline is: printed by `explain()`, hashed into the fingerprint, compared on resume.

#[cfg(feature = "train")]
use crate::spec::Field;
use crate::spec::{Describe, Description, canonical, shown_words, words};
use std::collections::BTreeMap;
use std::fmt::Display;
use xxhash_rust::xxh3::xxh3_128;

mod explain;
mod made;
mod memory;
mod without;

/// One node of a pipeline: its name, the parameters that decide its rows, and what it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    name: String,
    version: u32,
    params: Vec<Param>,
    notes: Vec<String>,
    cost: Option<String>,
    taken: Option<u64>,
    made: u64,
    random: bool,
    reads: u64,
    resident: u64,
    unit: u64,
    decoded: Option<u64>,
    open: u64,
    streamed: u64,
    scoped: bool,
    proportions: bool,
    state: Option<String>,
    inputs: Vec<Plan>,
}

/// One parameter of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Param {
    key: String,
    /// In words, as cursors remember them.
    value: String,
    /// In words for a reader.
    shown: String,
    /// Whether it decides which rows come.
    decides_rows: bool,
    /// What is hashed of it, if anything is.
    hashed: Option<String>,
}

/// What of one node decides which rows come.
#[derive(Clone, Debug)]
pub(crate) struct NodeSettings {
    /// The node's name.
    pub(crate) name: String,
    /// `name.key=value`, and whether that is another value than the default.
    pub(crate) settings: Vec<(String, bool)>,
    /// Whether it stands on no other node.
    pub(crate) is_source: bool,
    /// Hash of all that the fingerprint hashes of it.
    pub(crate) hash: u32,
}

/// What the nodes of a plan need in memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MemoryNeeds {
    /// Bytes that all keep [resident](Plan::resident).
    pub(crate) resident: u64,
    /// The largest [unit](Plan::unit).
    pub(crate) unit: u64,
    /// Bytes of all that can be read and [decoded](Plan::decoded); none where a node at the bottom does not say.
    pub(crate) decoded: Option<u64>,
    /// How many nodes there are, each of which may hold rows.
    pub(crate) nodes: u64,
    /// Bytes that all keep [open](Plan::open).
    pub(crate) open: u64,
    /// Bytes of a segment of each [stream](Plan::streamed).
    pub(crate) streamed: u64,
}

impl Plan {
    /// A node named `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: 1,
            params: Vec::new(),
            notes: Vec::new(),
            cost: None,
            taken: None,
            made: 0,
            random: false,
            reads: 1,
            resident: 0,
            unit: 0,
            decoded: None,
            open: 0,
            streamed: 0,
            scoped: false,
            proportions: false,
            state: None,
            inputs: Vec::new(),
        }
    }

    /// A node with the parameters of `spec`. An option that is not set is not printed.
    pub fn of(spec: &impl Describe) -> Self {
        let spec = spec.description();
        Self::new(spec.name).part("", &spec)
    }

    /// As [`of`](Self::of), with a node of its own for each table of fields.
    #[cfg(feature = "train")]
    pub(crate) fn with_tables(spec: &impl Describe) -> Self {
        let description = spec.description();
        let fields = description.fields.iter().cloned();
        let (tables, fields): (Vec<Field>, Vec<Field>) = fields.partition(|field| field.is_table);
        let of = |fields| Description {
            fields,
            ..description.clone()
        };
        let plan = Self::new(description.name).part("", &of(fields));
        tables.iter().fold(plan, |plan, table| {
            let fields = of(table.table().unwrap_or_default());
            plan.input(Self::new(&table.name).part("", &fields))
        })
    }

    /// Adds the parameters of `spec`, a part of this node, their names behind `prefix`. Without a prefix they are the node's own,
    /// and the version of `spec` is that of the node.
    #[must_use]
    pub fn part(mut self, prefix: &str, spec: &Description) -> Self {
        for field in spec.fields.iter().filter(|field| !field.value.is_null()) {
            self.params.push(Param {
                key: format!("{prefix}{}", field.name),
                value: words(&field.value),
                shown: shown_words(&field.value),
                decides_rows: field.decides_rows,
                hashed: field.hashed.as_ref().map(canonical),
            });
        }
        match prefix {
            "" => self.version = spec.version,
            _ if spec.version != 1 => self = self.param(format!("{prefix}version"), spec.version),
            _ => {}
        }
        self
    }

    /// Adds what decides which rows come or what is in them and is no parameter of a [`Spec`](crate::spec::Spec): the identity of
    /// contents, counts of what was found; or a parameter of a node that has no spec.
    #[must_use]
    pub fn param(mut self, key: impl Into<String>, value: impl Display) -> Self {
        let value = value.to_string();
        self.params.push(Param {
            key: key.into(),
            hashed: Some(value.clone()),
            shown: value.clone(),
            decides_rows: true,
            value,
        });
        self
    }

    /// Adds a line for the reader of `explain()` that is no part of the fingerprint.
    #[must_use]
    pub fn note(mut self, line: impl Display) -> Self {
        self.notes.push(line.to_string());
        self
    }

    /// Says that this node draws random numbers under its name, which therefore must be the only one of its kind.
    #[must_use]
    pub fn random(mut self) -> Self {
        self.random = true;
        self
    }

    /// Says that this node reads up to `rows` rows for a row, its own among them. `explain()` has the product over the nodes
    /// below: mosaic, which reads four, over MixUp, which reads two, reads eight.
    #[must_use]
    pub fn reads(mut self, rows: u64) -> Self {
        self.reads = rows;
        self
    }

    /// The rows of sources that are read for a row, at most.
    pub(crate) fn rows_read(&self) -> u64 {
        let below = self.inputs.iter().map(Self::rows_read).max();
        self.reads.saturating_mul(below.unwrap_or(1))
    }

    /// Says that this node's order holds exact proportions all along, which another order above it would undo.
    #[must_use]
    pub(crate) fn proportions(mut self) -> Self {
        self.proportions = true;
        self
    }

    /// The name of the first node that holds exact [proportions](Self::proportions) all along.
    pub(crate) fn holds_proportions(&self) -> Option<&str> {
        match self.proportions {
            true => Some(&self.name),
            false => self.inputs.iter().find_map(Self::holds_proportions),
        }
    }

    /// Says in which state the files are that this node reads: where they are, their sizes and times of change. It is no part
    /// of the fingerprint, since a copy of the data is the same data.
    ///
    /// What was kept of an earlier scan is used as it is where the state is the same, and compared with the data where it is
    /// another one, or where a source says none.
    #[must_use]
    pub fn state(mut self, state: impl Display) -> Self {
        self.state = Some(state.to_string());
        self
    }

    /// The [state](Self::state) of all that is read, as 32 hexadecimal digits; none where a node that stands on no other says
    /// none.
    pub(crate) fn states(&self) -> Option<String> {
        let (mut all, mut known) = (String::new(), true);
        self.walk(&mut |_, node| {
            known &= node.state.is_some() || !node.inputs.is_empty();
            all.extend(node.state.iter().map(|state| format!("{state}\n")));
        });
        known.then(|| format!("{:032x}", xxh3_128(all.as_bytes())))
    }

    /// Puts `plan` below this node.
    #[must_use]
    pub fn input(mut self, plan: Plan) -> Self {
        self.inputs.push(plan);
        self
    }

    /// Puts `plan` below this node as a scope of its own: this node gives it another seed than its other inputs, so it may
    /// draw under the names that these draw under.
    #[must_use]
    pub fn scope(self, plan: Plan) -> Self {
        self.input(Plan { scoped: true, ..plan })
    }

    /// The same under another name, where one pipeline has two of a kind.
    #[must_use]
    pub(crate) fn renamed(self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self
        }
    }

    /// `name`, or `name#2` and so on, under which no node of this scope draws random numbers.
    pub(crate) fn free_name(&self, name: &str) -> String {
        fn has(plan: &Plan, name: &str) -> bool {
            let below = plan.inputs.iter().filter(|input| !input.scoped);
            (plan.random && plan.name == name) || below.into_iter().any(|input| has(input, name))
        }
        let numbered = (2..).map(|number| format!("{name}#{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| !has(self, name)).unwrap_or_default()
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// 128 bits that are equal where names, versions, hashed parameters and inputs are, as 32 hexadecimal digits. Notes do not
    /// count, nor what is only printed, nor parameters of a spec that have their default.
    pub fn fingerprint(&self) -> String {
        let mut nodes = Vec::new();
        // With the number of its inputs a node in a list from the top down has one place in the tree alone.
        self.walk(&mut |_, node| nodes.push((node.hashed(), node.inputs.len())));
        format!("{:032x}", xxh3_128(format!("{nodes:?}").as_bytes()))
    }

    /// Every parameter of the tree as `name.key=value`, from the top down, those that have their default among them.
    pub fn settings(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.walk(&mut |_, node| {
            out.push(node.name.clone());
            out.extend(node.params.iter().map(|param| node.setting(param)));
        });
        out
    }

    /// The [settings](Self::settings) that decide which rows come, node by node from the top down: those that a cursor remembers.
    pub(crate) fn row_settings(&self) -> Vec<NodeSettings> {
        let mut out = Vec::new();
        self.walk(&mut |_, node| {
            let deciding = node.params.iter().filter(|param| param.decides_rows);
            out.push(NodeSettings {
                name: node.name.clone(),
                settings: deciding
                    .map(|param| (node.setting(param), param.hashed.is_some()))
                    .collect(),
                is_source: node.inputs.is_empty(),
                hash: xxh3_128(format!("{:?}", node.hashed()).as_bytes()) as u32,
            });
        });
        out
    }

    /// What is hashed of this node alone.
    fn hashed(&self) -> Vec<String> {
        let version = (self.version > 1).then(|| format!("{}.version={}", self.name, self.version));
        let param = |param: &Param| Some(format!("{}.{}={}", self.name, param.key, param.hashed.as_ref()?));
        let params = self.params.iter().filter_map(param);
        [self.name.clone()].into_iter().chain(version).chain(params).collect()
    }

    fn setting(&self, param: &Param) -> String {
        format!("{}.{}={}", self.name, param.key, param.value)
    }

    /// The first name under which two nodes of one [scope](Self::scope) draw random numbers: a mistake, since they would
    /// draw the same ones.
    ///
    /// Equal nodes over equal inputs are one and the same, however often they are met: a generator's parents, say, that
    /// are the rows which it fills.
    pub fn shared_name(&self) -> Option<String> {
        fn go<'a>(plan: &'a Plan, seen: &mut BTreeMap<&'a str, &'a Plan>) -> Option<String> {
            if plan.random && *seen.entry(&plan.name).or_insert(plan) != plan {
                return Some(plan.name.clone());
            }
            plan.inputs.iter().find_map(|input| {
                if input.scoped {
                    go(input, &mut BTreeMap::new())
                } else {
                    go(input, seen)
                }
            })
        }
        go(self, &mut BTreeMap::new())
    }

    /// Whether any node draws random numbers, so that its rows depend on the seed.
    pub fn draws(&self) -> bool {
        self.random || self.inputs.iter().any(Self::draws)
    }

    /// The values of the parameter `key` of the nodes called `name` that have no other of that name above them.
    pub(crate) fn topmost(&self, name: &str, key: &str) -> Vec<&str> {
        if self.name == name {
            let params = self.params.iter().filter(|param| param.key == key);
            return params.map(|param| param.value.as_str()).collect();
        }
        self.inputs.iter().flat_map(|input| input.topmost(name, key)).collect()
    }

    fn walk<'a>(&'a self, visit: &mut impl FnMut(usize, &'a Plan)) {
        fn go<'a>(plan: &'a Plan, depth: usize, visit: &mut impl FnMut(usize, &'a Plan)) {
            visit(depth, plan);
            for input in &plan.inputs {
                go(input, depth + 1, visit);
            }
        }
        go(self, 0, visit);
    }
}
