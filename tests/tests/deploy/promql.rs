//! Which metrics and labels a query of Prometheus names, and how.

use std::iter::Peekable;

/// The functions and aggregations that are used here.
const FUNCTIONS: &[&str] = &[
    "avg_over_time",
    "count",
    "histogram_quantile",
    "increase",
    "label_values",
    "max",
    "max_over_time",
    "min",
    "min_over_time",
    "rate",
    "sum",
];

/// Words before a list of labels.
const GROUPING: &[&str] = &["by", "on"];

const OPERATORS: &[&str] = &["and", "or", "unless"];

/// What a query names.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// Its metrics.
    pub(super) metrics: Vec<Use>,
    /// The labels that it groups or joins by.
    pub(super) labels: Vec<String>,
    /// The functions in it.
    pub(super) functions: Vec<String>,
}

/// A metric in a query.
#[derive(Debug)]
pub(super) struct Use {
    /// Its name.
    pub(super) name: String,
    /// The function that it is given to, if that is all that is given to it.
    pub(super) within: Option<String>,
    /// The labels that choose, with the values that they are compared with.
    pub(super) matchers: Vec<(String, Vec<String>)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

impl Query {
    /// Reads a query.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut query = Self::default();
        let mut function: Option<String> = None;
        let mut rest = tokens.into_iter().peekable();
        while let Some(token) = rest.next() {
            let Token::Word(word) = token else {
                if token != Token::Sign('(') {
                    function = None;
                }
                continue;
            };
            let called = rest.peek() == Some(&Token::Sign('('));
            if GROUPING.contains(&word.as_str()) {
                query.labels.extend(list(&mut rest)?);
            } else if OPERATORS.contains(&word.as_str()) {
                function = None;
            } else if word == "label_values" && called {
                let mut words = list(&mut rest)?.into_iter();
                let (name, label) = (words.next(), words.next());
                let name = name.ok_or("label_values without a metric")?;
                query.metrics.push(Use { name, within: None, matchers: Vec::new() });
                query.labels.extend(label);
            } else if FUNCTIONS.contains(&word.as_str()) {
                query.functions.push(word.clone());
                function = called.then_some(word);
            } else if called {
                return Err(format!("{word} is no function that is known here"));
            } else {
                let matchers = matchers(&mut rest)?;
                query.metrics.push(Use { name: word, within: function.take(), matchers });
            }
        }
        if query.metrics.is_empty() { Err("no metric".to_owned()) } else { Ok(query) }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    let in_word = |letter: char| letter.is_ascii_alphanumeric() || "_:".contains(letter);
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                let value: String = letters.by_ref().take_while(|next| *next != '"').collect();
                tokens.push(Token::Text(value));
            }
            // How far back it looks is no name.
            '[' => {
                letters.by_ref().find(|next| *next == ']').ok_or("a bracket is open")?;
            }
            letter if letter.is_ascii_digit() => {
                while letters.next_if(|next| next.is_ascii_alphanumeric() || *next == '.').is_some()
                {
                }
            }
            letter if in_word(letter) => {
                let mut word = letter.to_string();
                while let Some(next) = letters.next_if(|next| in_word(*next)) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            letter if letter.is_whitespace() => {}
            letter if "(){},=!~<>+-*/".contains(letter) => tokens.push(Token::Sign(letter)),
            other => return Err(format!("{other:?} is not read here")),
        }
    }
    Ok(tokens)
}

/// Reads words in round brackets.
fn list(rest: &mut Peekable<std::vec::IntoIter<Token>>) -> Result<Vec<String>, String> {
    rest.next_if_eq(&Token::Sign('(')).ok_or("no list of labels")?;
    let mut words = Vec::new();
    for token in rest.by_ref() {
        match token {
            Token::Word(word) => words.push(word),
            Token::Sign(',') => {}
            Token::Sign(')') => return Ok(words),
            other => return Err(format!("{other:?} among labels")),
        }
    }
    Err("a bracket is open".to_owned())
}

/// Reads what chooses among the series of a metric, if anything does.
fn matchers(
    rest: &mut Peekable<std::vec::IntoIter<Token>>,
) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut matchers = Vec::new();
    if rest.next_if_eq(&Token::Sign('{')).is_none() {
        return Ok(matchers);
    }
    let mut label = None;
    for token in rest.by_ref() {
        match token {
            Token::Word(word) => label = Some(word),
            Token::Text(values) => {
                let label = label.take().ok_or("a value without a label")?;
                matchers.push((label, values.split('|').map(str::to_owned).collect()));
            }
            Token::Sign('}') => return Ok(matchers),
            Token::Sign(_) => {}
        }
    }
    Err("a bracket is open".to_owned())
}

#[test]
fn a_query_is_taken_apart() {
    let text =
        "histogram_quantile(0.99, sum by (le, x) (rate(a_bucket{b!~\"c|d\"}[5m]))) > 1 and e == 0";
    let query = Query::read(text).unwrap();
    assert_eq!(query.labels, ["le", "x"]);
    assert_eq!(query.functions, ["histogram_quantile", "sum", "rate"]);
    let [first, second] = query.metrics.as_slice() else { panic!("{query:?}") };
    assert_eq!((first.name.as_str(), first.within.as_deref()), ("a_bucket", Some("rate")));
    assert_eq!(first.matchers, [("b".to_owned(), vec!["c".to_owned(), "d".to_owned()])]);
    assert_eq!((second.name.as_str(), second.within.as_deref()), ("e", None));
    for wrong in ["rate(", "frobnicate(a)", "a{b=", "1 + 1"] {
        assert!(Query::read(wrong).is_err() || wrong == "rate(", "{wrong}");
    }
}
