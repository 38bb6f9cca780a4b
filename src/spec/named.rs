//! What is written and read under its name.

use super::Describe;
use super::catalog::Catalog;
#[cfg(feature = "train")]
use crate::error::Result;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
#[cfg(feature = "train")]
use serde_json::Value;
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// A trait whose implementors are named in recipes: operations, sources, generators, adapters.
pub trait Kind: Describe + 'static {
    /// Those of this crate.
    fn catalog() -> Catalog<Self>;
}

/// One of a [`Kind`], written and read under its name: `{ rotate = { degrees = 10 } }`, `{ parquet = { path = "data" } }`.
///
/// Read inside of [`Registry::reading`](crate::registry::Registry::reading) it may be one of a program's own; elsewhere those of
/// this crate alone are known.
pub struct Named<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Named<T> {
    /// `one`, which is written under its name.
    pub fn new(one: Arc<T>) -> Self {
        Self(one)
    }

    /// What is named.
    pub fn into_inner(self) -> Arc<T> {
        self.0
    }
}

#[cfg(feature = "train")]
impl<T: Kind + ?Sized> Named<T> {
    /// The same with the paths that `moved` makes of those in its field `path`, where that is a [location](super::Spec::LOCATIONS). Addresses with a scheme, and what
    /// cannot be read by its name here, stay as they are.
    ///
    /// # Errors
    ///
    /// Those of `moved`.
    pub(crate) fn with_paths(&self, moved: &dyn Fn(&str) -> Result<String>) -> Result<Self> {
        let mut description = self.0.description();
        let is_path = |field: &&mut super::Field| field.name == "path" && !field.decides_rows;
        let Some(field) = description.fields.iter_mut().find(is_path) else {
            return Ok(self.clone());
        };
        let paths = match &mut field.value {
            Value::Array(paths) => paths.iter_mut().collect(),
            one => vec![one],
        };
        for path in paths {
            if let Value::String(path) = path
                && !path.is_empty()
                && !path.contains("://")
            {
                *path = moved(path)?;
            }
        }
        let known = known::<T>().unwrap_or_else(T::catalog);
        let again = known.read_json(&description.tagged().to_string());
        Ok(match again {
            Ok(again) if again.spec_type() == self.0.spec_type() => Self(Arc::from(again)),
            // One of a program's own that is not registered here.
            _ => self.clone(),
        })
    }
}

impl<T: ?Sized> Deref for Named<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Two are equal if their names, versions and fields are.
impl<T: Describe + ?Sized> PartialEq for Named<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.description() == other.0.description()
    }
}

impl<T: Describe + ?Sized> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.description().tagged().fmt(f)
    }
}

impl<T: Describe + ?Sized> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.description().tagged().serialize(to)
    }
}

impl<'de, T: Kind + ?Sized> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let known = known::<T>().unwrap_or_else(T::catalog);
        Ok(Self(Arc::from(known.read(from)?)))
    }
}

thread_local! {
    /// The catalogs, each of its own kind, that count while something is read; the last of a kind counts.
    static KNOWN: RefCell<Vec<(TypeId, Rc<dyn Any>)>> = const { RefCell::new(Vec::new()) };
}

fn known<T: ?Sized + 'static>() -> Option<Catalog<T>> {
    KNOWN.with_borrow(|known| {
        let (_, catalog) = known.iter().rev().find(|(kind, _)| *kind == TypeId::of::<T>())?;
        catalog.downcast_ref::<Catalog<T>>().cloned()
    })
}

/// Runs `read`, in which what `catalog` has is known.
pub(crate) fn reading_with<T: ?Sized + 'static, R>(catalog: &Catalog<T>, read: impl FnOnce() -> R) -> R {
    /// Forgets the catalog, also where reading panics.
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            KNOWN.with_borrow_mut(|known| drop(known.pop()));
        }
    }
    KNOWN.with_borrow_mut(|known| known.push((TypeId::of::<T>(), Rc::new(catalog.clone()))));
    let _forget = Forget;
    read()
}
