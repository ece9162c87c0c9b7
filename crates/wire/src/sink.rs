//! Writing shapes: what a response's members are handed to, whichever encoding they leave in.

use std::collections::BTreeMap;

use crate::shapes::{ListName, MapName};

/// The members of one structure, in the order in which they are written. Lists and maps are written even when they are
/// empty (Query has no way to show an empty one); whoever wants them absent does not call.
pub(crate) trait Sink: Sized {
    fn string(&mut self, name: &'static str, value: &str);
    fn integer(&mut self, name: &'static str, value: i64);
    fn boolean(&mut self, name: &'static str, value: bool);
    /// Bytes, which both encodings carry as base64.
    fn blob(&mut self, name: &'static str, value: &[u8]);
    fn strings(&mut self, name: &ListName, values: &[String]);
    fn string_map(&mut self, name: &MapName, values: &BTreeMap<String, String>);
    fn structures<T>(&mut self, name: &ListName, values: &[T], write: impl Fn(&T, &mut Self));
    fn structure_map<T>(
        &mut self,
        name: &MapName,
        values: &BTreeMap<String, T>,
        write: impl Fn(&T, &mut Self),
    );

    fn optional_string(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.string(name, value);
        }
    }

    fn optional_integer(&mut self, name: &'static str, value: Option<i64>) {
        if let Some(value) = value {
            self.integer(name, value);
        }
    }

    /// A list that is absent when it is empty.
    fn present_structures<T>(&mut self, name: &ListName, values: &[T], write: impl Fn(&T, &mut Self)) {
        if !values.is_empty() {
            self.structures(name, values, write);
        }
    }

    /// A list that is absent when it is empty.
    fn present_strings(&mut self, name: &ListName, values: &[String]) {
        if !values.is_empty() {
            self.strings(name, values);
        }
    }

    /// A map that is absent when it is empty.
    fn present_string_map(&mut self, name: &MapName, values: &BTreeMap<String, String>) {
        if !values.is_empty() {
            self.string_map(name, values);
        }
    }
}
