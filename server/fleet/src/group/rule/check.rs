//! What a rule may say, and of which type each part of it is, so that most of what would go wrong is said before it is saved.
//!
//! | name | type | what it is |
//! | --- | --- | --- |
//! | `endpoint` | text | the endpoint's name |
//! | `class` | text | the name of its class |
//! | `labels` | text by text | its labels: `"spare" in labels`, `labels.site == "zurich"` |
//! | `created` | text | when it was added, as in `2026-11-22 13:55:40 UTC` |
//! | `state` | text | `registered`, `deregistered`, `expired`, `awaited`, `revoked` |
//! | `secured` | yes or no | whether it has a credential |
//! | `lwm2m` | text | the version that it registered with, as in `1.1` |
//! | `binding` | text | its transports, as in `U` |
//! | `queue_mode` | yes or no | whether it sleeps |
//! | `lifetime` | number | its lifetime in seconds |
//! | `objects` | text by number | the versions of its objects: `5 in objects`, `objects[5] == "1.1"` |
//! | `value("/3/0/9")` | any | the latest value of a resource, null if there is none |
//! | `older(value("/3/0/3"), "1.10")` | yes or no | whether a version is older than another |

use std::collections::BTreeSet;

use cel::{
    IdedExpr,
    common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SelectExpr},
};
use objects::Path;

use super::Rule;

/// What a part comes to.
#[derive(Clone, Debug, PartialEq)]
enum Type {
    /// What a device gives may be of any type.
    Any,
    Flag,
    List(Box<Self>),
    Map(Box<Self>, Box<Self>),
    Null,
    Number,
    Text,
}

/// What is wrong with a part of a rule.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Where it begins.
    pub(super) offset: usize,
    pub(super) reason: String,
}

/// Checks a rule and gives the paths that it names.
pub(super) fn check(rule: &IdedExpr, offset: impl Fn(u64) -> usize) -> Result<BTreeSet<Path>, Wrong> {
    let mut checker =
        Checker { offset: &offset, bound: Vec::new(), paths: BTreeSet::new(), parts: 0, depth: 0 };
    let wrong = |reason: String| Wrong { offset: offset(rule.id), reason };
    match checker.part(rule)? {
        Type::Flag | Type::Any => Ok(checker.paths),
        other => Err(wrong(format!("a rule is true or false, this is {}", other.name()))),
    }
}

struct Checker<'a> {
    offset: &'a dyn Fn(u64) -> usize,
    /// The names that `exists` and its like bind, the innermost last.
    bound: Vec<(String, Type)>,
    paths: BTreeSet<Path>,
    parts: usize,
    depth: usize,
}

impl Checker<'_> {
    fn part(&mut self, part: &IdedExpr) -> Result<Type, Wrong> {
        self.parts += 1;
        self.depth += 1;
        if self.parts > Rule::MAX_PARTS {
            return self.wrong(part.id, format!("a rule has at most {} parts", Rule::MAX_PARTS));
        }
        if self.depth > Rule::MAX_DEPTH {
            return self.wrong(part.id, format!("parts lie at most {} deep in one another", Rule::MAX_DEPTH));
        }
        let found = match &part.expr {
            Expr::Ident(name) => self.name(part.id, name),
            Expr::Literal(literal) => self.literal(part.id, literal),
            Expr::Select(select) => self.select(part.id, select),
            Expr::Call(call) => self.call(part.id, call),
            Expr::Comprehension(each) => self.each(part.id, each),
            Expr::List(list) => self.list(&list.elements),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                self.wrong(part.id, "a rule compares what is there; it makes nothing".to_owned())
            }
        };
        self.depth -= 1;
        found
    }

    fn name(&self, id: u64, name: &str) -> Result<Type, Wrong> {
        if let Some((_, bound)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return Ok(bound.clone());
        }
        let found = NAMES.iter().find(|(known, _)| *known == name);
        match found {
            Some((_, kind)) => Ok(kind()),
            None => {
                let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
                self.wrong(id, format!("there is no {name}; a rule knows {} and value(…)", known.join(", ")))
            }
        }
    }

    fn literal(&self, id: u64, literal: &LiteralValue) -> Result<Type, Wrong> {
        match literal {
            LiteralValue::Boolean(_) => Ok(Type::Flag),
            LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => Ok(Type::Number),
            LiteralValue::Null => Ok(Type::Null),
            LiteralValue::String(_) => Ok(Type::Text),
            LiteralValue::Bytes(_) => self.wrong(id, "bytes can't be compared with anything here".to_owned()),
        }
    }

    fn select(&mut self, id: u64, select: &SelectExpr) -> Result<Type, Wrong> {
        match self.part(&select.operand)? {
            Type::Map(key, _) if *key == Type::Text && select.test => Ok(Type::Flag),
            Type::Map(key, value) if *key == Type::Text => Ok(*value),
            other => self.wrong(id, format!("{} has no {}", other.name(), select.field)),
        }
    }

    fn list(&mut self, elements: &[IdedExpr]) -> Result<Type, Wrong> {
        let mut kinds = elements.iter().map(|element| self.part(element)).collect::<Result<Vec<_>, _>>()?;
        let first = kinds.pop().unwrap_or(Type::Any);
        let one = kinds.iter().all(|kind| *kind == first);
        Ok(Type::List(Box::new(if one { first } else { Type::Any })))
    }

    /// `all`, `exists` and `exists_one`, as the parser writes them out. One that makes a list is not among them.
    fn each(&mut self, id: u64, each: &ComprehensionExpr) -> Result<Type, Wrong> {
        let over = self.part(&each.iter_range)?;
        let (Type::List(item) | Type::Map(item, _)) = over else {
            return self.wrong(id, format!("{} has no parts to go through", over.name()));
        };
        let first = self.part(&each.accu_init)?;
        if matches!(first, Type::List(_)) {
            return self.wrong(id, "a rule makes no lists: map and filter have no use here".to_owned());
        }
        if !self.bound.is_empty() || each.iter_var2.is_some() {
            return self.wrong(
                id,
                "all and exists go through one list, not through one for each of another".to_owned(),
            );
        }
        self.bound.push((each.iter_var.clone(), *item));
        self.bound.push((each.accu_var.clone(), first));
        self.part(&each.loop_cond)?;
        self.part(&each.loop_step)?;
        let result = self.part(&each.result)?;
        self.bound.clear();
        Ok(result)
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> Result<Type, Wrong> {
        if call.func_name == "value" && call.target.is_none() {
            return self.value(id, &call.args);
        }
        let parts = call.target.iter().map(|target| &**target).chain(&call.args);
        let kinds = parts.map(|part| self.part(part)).collect::<Result<Vec<_>, _>>()?;
        let is = |index: usize, wanted: &Type| kinds.get(index).is_some_and(|kind| kind.may_be(wanted));
        let all = |wanted: &Type| kinds.iter().all(|kind| kind.may_be(wanted));
        let names: Vec<&str> = kinds.iter().map(Type::name).collect();
        let method = call.target.is_some();
        let (fits, gives) = match (call.func_name.as_str(), method) {
            ("_&&_" | "_||_" | "!_" | "@not_strictly_false", false) => (all(&Type::Flag), Type::Flag),
            ("_==_" | "_!=_", false) => {
                let same = matches!(&kinds[..], [one, other] if one.may_be(other) || *other == Type::Null || *one == Type::Null);
                (same, Type::Flag)
            }
            ("_<_" | "_<=_" | "_>_" | "_>=_", false) => (all(&Type::Number) || all(&Type::Text), Type::Flag),
            ("_+_" | "_-_" | "_*_" | "_/_" | "_%_" | "-_", false) => (all(&Type::Number), Type::Number),
            ("_?_:_", false) => match &kinds[..] {
                [asked, one, other] if one == other => (asked.may_be(&Type::Flag), one.clone()),
                [asked, ..] => (asked.may_be(&Type::Flag), Type::Any),
                [] => (false, Type::Any),
            },
            ("@in", false) => match &kinds[..] {
                [one, Type::List(item) | Type::Map(item, _)] => (one.may_be(item), Type::Flag),
                _ => (false, Type::Flag),
            },
            ("_[_]", false) => match &kinds[..] {
                [Type::Map(key, value), index] => (index.may_be(key), (**value).clone()),
                [Type::List(item), index] => (index.may_be(&Type::Number), (**item).clone()),
                _ => (false, Type::Any),
            },
            ("startsWith" | "endsWith" | "contains", true) => {
                (kinds.len() == 2 && all(&Type::Text), Type::Flag)
            }
            ("size", _) => {
                let sized = matches!(&kinds[..], [Type::Text | Type::Any | Type::List(_) | Type::Map(..)]);
                (sized, Type::Number)
            }
            ("older", false) => (kinds.len() == 2 && is(0, &Type::Text) && is(1, &Type::Text), Type::Flag),
            ("int" | "double", false) => {
                (kinds.len() == 1 && (is(0, &Type::Number) || is(0, &Type::Text)), Type::Number)
            }
            ("string", false) => (
                kinds.len() == 1 && (is(0, &Type::Number) || is(0, &Type::Text) || is(0, &Type::Flag)),
                Type::Text,
            ),
            (name, _) => {
                return self.wrong(id, format!("there is no {name}(…); a rule knows value, older, size, startsWith, endsWith, contains, int, double, string, has, all and exists"));
            }
        };
        match fits {
            true => Ok(gives),
            false => {
                self.wrong(id, format!("{} does not go with {}", said(&call.func_name), names.join(" and ")))
            }
        }
    }

    fn value(&mut self, id: u64, given: &[IdedExpr]) -> Result<Type, Wrong> {
        let [IdedExpr { expr: Expr::Literal(LiteralValue::String(text)), .. }] = given else {
            return self.wrong(id, "value takes one path, written out: value(\"/3/0/9\")".to_owned());
        };
        let path = text.inner().parse::<Path>().ok();
        let Some(path) = path.filter(|path| matches!(path, Path::Resource(..) | Path::ResourceInstance(..)))
        else {
            return self
                .wrong(id, format!("{:?} is not the path of a resource, such as /3/0/9", text.inner()));
        };
        self.paths.insert(path);
        match self.paths.len() > Rule::MAX_PATHS {
            true => self.wrong(id, format!("a rule looks at {} resources at most", Rule::MAX_PATHS)),
            false => Ok(Type::Any),
        }
    }

    fn wrong<T>(&self, id: u64, reason: String) -> Result<T, Wrong> {
        Err(Wrong { offset: (self.offset)(id), reason })
    }
}

impl Type {
    /// Whether it is of a type, or may be.
    fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::List(one), Self::List(other)) => one.may_be(other),
            (one, other) => one == other,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Flag => "true or false",
            Self::List(_) => "a list",
            Self::Map(..) => "a table",
            Self::Null => "null",
            Self::Number => "a number",
            Self::Text => "a text",
        }
    }
}

/// An operator as it is written.
fn said(function: &str) -> &str {
    match function {
        "_?_:_" => "?:",
        "_[_]" => "[…]",
        "@in" => "in",
        other => other.trim_matches('_'),
    }
}

type Named = (&'static str, fn() -> Type);

/// What is known of a device; see [`super::Facts`].
const NAMES: [Named; 11] = [
    ("binding", || Type::Text),
    ("class", || Type::Text),
    ("created", || Type::Text),
    ("endpoint", || Type::Text),
    ("labels", || Type::Map(Box::new(Type::Text), Box::new(Type::Text))),
    ("lifetime", || Type::Number),
    ("lwm2m", || Type::Text),
    ("objects", || Type::Map(Box::new(Type::Number), Box::new(Type::Text))),
    ("queue_mode", || Type::Flag),
    ("secured", || Type::Flag),
    ("state", || Type::Text),
];
