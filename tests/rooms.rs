//! The house stays in order: no two files of `src` import each other in a circle, no room (a folder or file right below `src`)
//! imports from one above it, and no file is long without a reason.
//!
//! An import is a `use` or a path in the code, followed through re-exports to the file that defines what is named. Unit tests
//! may import what they like.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// The rooms from the ground up: each may import from those before it, those in its own line included.
///
/// `report` stands below `task`, which fills it in; `mix` above `synthetic`, since a balance is filled up by a generator.
const ROOMS: &[&[&str]] = &[
    &["quote"],
    &["error"],
    &["boxes", "spec"],
    &["rng", "plan"],
    &["cursor"],
    &["exec"],
    &["stored_rows"],
    &["prepared"],
    &["dataset"],
    &["forward"],
    &["columns"],
    &["source"],
    &["order"],
    &["rows"],
    &["image"],
    &["synthetic"],
    &["mix"],
    &["loader"],
    &["sink"],
    &["ext"],
    &["testing"],
    &["report"],
    &["model"],
    &["train"],
    &["generative"],
    &["task"],
    &["registry"],
    &["ablation", "import", "inspect", "speed"],
    &["bin"],
];

/// Arrows upwards that are still there: from a room to one above it.
const UPWARDS: &[(&str, &str)] = &[];

/// Folders in which files still import each other in a circle.
const CIRCLES: &[&str] = &[];

/// Lines of a file that needs no reason.
const LINES: usize = 400;

/// Files that are longer and give no reason.
const LONG: &[&str] = &[];

/// The words with which a long file begins its reason, in its first ten lines.
const REASON: &str = "Long because";

#[test]
fn rooms_import_from_below_alone() {
    let source = Source::read();
    let level = |room: &str| {
        let level = ROOMS.iter().position(|rooms| rooms.contains(&room));
        level.unwrap_or_else(|| panic!("{room} has no place among the rooms"))
    };
    let mut upwards: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (from, to, what) in source.imports() {
        let (above, below) = (source.room(from), source.room(to));
        if level(above) < level(below) {
            let import = format!("{} imports {what}", source.files[from].name);
            upwards.entry((above, below)).or_default().push(import);
        }
    }
    for known in UPWARDS {
        assert!(
            upwards.remove(known).is_some(),
            "{known:?} is mended: take it off the list"
        );
    }
    assert!(upwards.is_empty(), "imports from a room above: {upwards:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let source = Source::read();
    let mut known: BTreeSet<&str> = CIRCLES.iter().copied().collect();
    for circle in source.circles() {
        let inside = |folder: &&&str| {
            let files = circle.iter().map(|&file| source.files[file].name.as_str());
            files.into_iter().all(|name| name.starts_with(&format!("{folder}/")))
        };
        let Some(folder) = CIRCLES.iter().find(inside) else {
            let imports = source.imports();
            let imports = imports
                .iter()
                .filter(|(from, to, _)| circle.contains(from) && circle.contains(to));
            let lines: Vec<_> = imports
                .map(|(from, to, what)| format!("{} -> {} ({what})", source.files[*from].name, source.files[*to].name))
                .collect();
            panic!("a circle of imports:\n{}", lines.join("\n"));
        };
        known.remove(folder);
    }
    assert!(
        known.is_empty(),
        "no circle is left in {known:?}: take them off the list"
    );
}

#[test]
fn no_file_is_long_without_a_reason() {
    let source = Source::read();
    let mut long: BTreeSet<&str> = BTreeSet::new();
    for file in &source.files {
        let has_reason = file.text.lines().take(10).any(|line| line.contains(REASON));
        if file.text.lines().count() > LINES && !has_reason {
            long.insert(&file.name);
        }
    }
    for known in LONG {
        assert!(long.remove(known), "{known} is mended: take it off the list");
    }
    assert!(
        long.is_empty(),
        "more than {LINES} lines and no \"{REASON}\" at the head: {long:?}"
    );
}

/// The checks themselves: what they are to find, in a house of three files.
#[test]
fn imports_are_followed_to_where_things_are_defined() {
    let source = Source::of(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a/mod.rs",
            "mod inner; pub use inner::Thing; use crate::b::top as other; fn f() { other() }",
        ),
        (
            "a/inner.rs",
            "pub struct Thing; #[cfg(test)] mod tests { use crate::b::top; }",
        ),
        (
            "b.rs",
            "use crate::a::Thing; pub fn top() { let _: Thing = matches!(1, super::a::Thing); }",
        ),
    ]);
    let names = |at: usize| source.files[at].name.as_str();
    let imports: Vec<_> = source
        .imports()
        .iter()
        .map(|(from, to, _)| (names(*from), names(*to)))
        .collect();
    assert_eq!(imports, [("a/mod.rs", "b.rs"), ("b.rs", "a/inner.rs")]);
    assert!(source.circles().is_empty());
    let source = Source::of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub fn f() -> u32 { crate::b::g() }"),
        ("b.rs", "use super::a::*; pub fn g() -> u32 { f() }"),
    ]);
    assert_eq!(source.circles(), [BTreeSet::from([1, 2])]);
}

/// All files, and what they name.
struct Source {
    files: Vec<File>,
    /// The file of each module by its path: `["crate", "task", "predict"]`, `["bin", "screen"]`.
    modules: HashMap<Vec<String>, usize>,
}

struct File {
    /// The path below `src`, with `/`.
    name: String,
    text: String,
    /// Items at the top of each of its modules.
    items: HashSet<String>,
    /// What its `use` lines bring in.
    uses: Vec<Use>,
    /// Other paths in its code.
    paths: Vec<Vec<String>>,
    /// All identifiers in its code beside the `use` lines.
    words: HashSet<String>,
}

struct Use {
    is_public: bool,
    path: Vec<String>,
    /// The name here; `*` for all names.
    name: String,
}

impl Source {
    /// The files of this crate.
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![root.clone()];
        let mut found: Vec<(String, String)> = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(&root).unwrap().display().to_string();
                    found.push((name.replace('\\', "/"), std::fs::read_to_string(&path).unwrap()));
                }
            }
        }
        found.sort();
        Self::of(&found)
    }

    fn of(found: &[(impl AsRef<str>, impl AsRef<str>)]) -> Self {
        let modules: HashMap<_, _> = found.iter().map(|(name, _)| module(name.as_ref())).zip(0..).collect();
        let mut files = Vec::new();
        for (name, text) in found {
            let (name, text) = (name.as_ref().to_owned(), text.as_ref().to_owned());
            let tree = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut reader = Reader {
                module: module(&name),
                modules: &modules,
                file: File {
                    name,
                    text,
                    items: HashSet::new(),
                    uses: Vec::new(),
                    paths: Vec::new(),
                    words: HashSet::new(),
                },
            };
            reader.visit_file(&tree);
            files.push(reader.file);
        }
        Self { files, modules }
    }

    /// The folder or file right below `src` that the file is in.
    fn room(&self, file: usize) -> &str {
        let name = &self.files[file].name;
        name.split('/').next().unwrap_or(name).trim_end_matches(".rs")
    }

    /// From which file to which other one, and what is named; each pair once. What a file only passes on is no import of its own.
    fn imports(&self) -> Vec<(usize, usize, String)> {
        let mut found: BTreeMap<(usize, usize), String> = BTreeMap::new();
        for (from, file) in self.files.iter().enumerate() {
            let own = |used: &&Use| !used.is_public || used.name == "*" || file.words.contains(&used.name);
            let paths = file.uses.iter().filter(own).map(|used| &used.path).chain(&file.paths);
            for path in paths {
                let to = self.defining(path, &mut HashSet::new());
                if let Some(to) = to.filter(|&to| to != from && self.files[to].name != "lib.rs") {
                    found.entry((from, to)).or_insert_with(|| path.join("::"));
                }
            }
            // The crate's root and re-exports of whole rooms are for readers outside.
            if file.name == "lib.rs" {
                found.retain(|&(of, _), _| of != from);
            }
        }
        // A room that passes on what stands above it imports it all the same.
        for (from, file) in self.files.iter().enumerate().filter(|(_, file)| file.name != "lib.rs") {
            for used in file.uses.iter().filter(|used| used.is_public) {
                let to = self.defining(&used.path, &mut HashSet::new());
                if let Some(to) = to.filter(|&to| self.room(to) != self.room(from)) {
                    found.entry((from, to)).or_insert_with(|| used.path.join("::"));
                }
            }
        }
        found.into_iter().map(|((from, to), what)| (from, to, what)).collect()
    }

    /// The file that defines what `path` names, beyond re-exports.
    fn defining<'a>(&'a self, path: &'a [String], seen: &mut HashSet<&'a [String]>) -> Option<usize> {
        let (at, rest) = (1..=path.len())
            .rev()
            .find_map(|end| Some((*self.modules.get(&path[..end])?, &path[end..])))?;
        let (Some(name), true) = (rest.first(), seen.insert(path)) else {
            return Some(at);
        };
        let public = || self.files[at].uses.iter().filter(|used| used.is_public);
        if let Some(used) = public().find(|used| used.name == *name) {
            return self.defining(&used.path, seen);
        }
        let globs = public().filter(|used| used.name == "*");
        let from_all = globs.filter_map(|used| self.defining(&used.path[..used.path.len() - 1], seen));
        let holds = |file: &usize| self.files[*file].items.contains(name);
        from_all.into_iter().find(holds).or(Some(at))
    }

    /// Sets of files each of which imports all others, directly or through them.
    fn circles(&self) -> Vec<BTreeSet<usize>> {
        let mut next: HashMap<usize, Vec<usize>> = HashMap::new();
        for (from, to, _) in self.imports() {
            next.entry(from).or_default().push(to);
        }
        let reached = |from: usize| {
            let (mut reached, mut left) = (HashSet::new(), vec![from]);
            while let Some(at) = left.pop() {
                left.extend(next.get(&at).into_iter().flatten().filter(|&&to| reached.insert(to)));
            }
            reached
        };
        let reached: Vec<HashSet<usize>> = (0..self.files.len()).map(reached).collect();
        let both = |at: usize, other: usize| reached[at].contains(&other) && reached[other].contains(&at);
        let circle = |at: usize| (0..reached.len()).filter(|&other| both(at, other)).collect();
        let circles: BTreeSet<BTreeSet<usize>> = (0..reached.len()).map(circle).collect();
        circles.into_iter().filter(|circle| circle.len() > 1).collect()
    }
}

/// The path of the module in the file `name` below `src`.
fn module(name: &str) -> Vec<String> {
    let (root, rest) = match name.strip_prefix("bin/millstream/") {
        Some(rest) => ("bin", rest),
        None => ("crate", name),
    };
    let mut path: Vec<String> = [root]
        .into_iter()
        .chain(rest.trim_end_matches(".rs").split('/'))
        .map(str::to_owned)
        .collect();
    if matches!(path.last().map(String::as_str), Some("mod")) || matches!(rest, "lib.rs" | "main.rs") {
        path.pop();
    }
    path
}

/// Reads one file.
struct Reader<'a> {
    /// The module that is read.
    module: Vec<String>,
    modules: &'a HashMap<Vec<String>, usize>,
    file: File,
}

impl Reader<'_> {
    /// The path from the crate's root; none for other crates and for local names.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?.as_str();
        let up = path.iter().take_while(|segment| *segment == "super").count();
        let (base, rest) = match first {
            "crate" => (self.module[..1].to_vec(), &path[1..]),
            "millstream" if self.module[0] == "bin" => (vec!["crate".to_owned()], &path[1..]),
            "self" => (self.module.clone(), &path[1..]),
            "super" => (self.module[..self.module.len() - up].to_vec(), &path[up..]),
            _ => (self.module.clone(), path),
        };
        let whole = [&base, rest].concat();
        let is_ours = !matches!(rest.len(), n if n == path.len())
            || self.modules.contains_key(&whole[..=base.len().min(whole.len() - 1)]);
        is_ours.then_some(whole)
    }

    fn uses(&mut self, tree: &UseTree, before: &[String], is_public: bool) {
        let mut add = |last: Option<String>, name: String| {
            let path: Vec<String> = before
                .iter()
                .cloned()
                .chain(last.filter(|last| last != "self"))
                .collect();
            if let Some(path) = self.absolute(&path) {
                self.file.uses.push(Use { is_public, path, name });
            }
        };
        match tree {
            UseTree::Path(path) => {
                let before: Vec<String> = before.iter().cloned().chain([path.ident.to_string()]).collect();
                self.uses(&path.tree, &before, is_public);
            }
            UseTree::Name(name) => add(Some(name.ident.to_string()), name.ident.to_string()),
            UseTree::Rename(rename) => add(Some(rename.ident.to_string()), rename.rename.to_string()),
            UseTree::Glob(_) => add(Some("*".to_owned()), "*".to_owned()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.uses(tree, before, is_public)),
        }
    }

    fn path(&mut self, path: &[String]) {
        self.file.words.extend(path.iter().cloned());
        if path.len() > 1
            && let Some(path) = self.absolute(path)
        {
            self.file.paths.push(path);
        }
    }

    /// Paths among the tokens of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons): (Vec<String>, usize) = (Vec::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) if colons == 2 && !path.is_empty() => {
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.path(&std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Ident(ident) => path.push(ident.to_string()),
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.path(&path);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name): (&[Attribute], _) = match item {
            Item::Const(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            Item::Static(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Impl(item) => (&item.attrs, None),
            Item::Mod(item) => (&item.attrs, None),
            Item::Use(item) => (&item.attrs, None),
            _ => (&[], None),
        };
        if attributes.iter().any(is_for_tests) {
            return;
        }
        self.file.items.extend(name.map(ToString::to_string));
        match item {
            Item::Use(item) => self.uses(&item.tree, &[], !matches!(item.vis, Visibility::Inherited)),
            Item::Mod(item) => {
                self.module.push(item.ident.to_string());
                for item in item.content.iter().flat_map(|(_, items)| items) {
                    self.visit_item(item);
                }
                self.module.pop();
            }
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
    }

    // `pub(in crate::room)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// Whether an item is compiled for tests alone.
fn is_for_tests(attribute: &Attribute) -> bool {
    let mut tests = false;
    if attribute.path().is_ident("cfg") {
        // Of conditions with several parts only `all(test, ..)` is looked into.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("all") {
                return meta.parse_nested_meta(|meta| {
                    tests |= meta.path.is_ident("test");
                    meta.input.parse::<TokenStream>().map(drop)
                });
            }
            tests |= meta.path.is_ident("test");
            meta.input.parse::<TokenStream>().map(drop)
        });
    }
    tests
}
