//! Markdown as far as the project's documents use it: headings, links, blocks of code.

use std::collections::BTreeMap;

/// One document.
#[derive(Debug, Default)]
pub struct Document {
    /// What its headings are linked by.
    pub anchors: Vec<String>,
    /// The targets of its links, with the line of each.
    pub links: Vec<(usize, String)>,
    /// Its blocks of code.
    pub blocks: Vec<Block>,
    /// What stands in it between single backticks, lines joined.
    pub spans: Vec<String>,
}

/// One block of code.
#[derive(Debug, Default)]
pub struct Block {
    /// What it says that it is in, such as `sh`.
    pub language: String,
    /// The line it begins on.
    pub line: usize,
    /// What it holds, without what it is indented by.
    pub text: String,
}

impl Document {
    /// Reads a document.
    pub fn read(text: &str) -> Self {
        let mut document = Self::default();
        let mut block: Option<Block> = None;
        let mut seen = BTreeMap::new();
        let mut prose = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let fence = line.trim_start().strip_prefix("```");
            match (&mut block, fence) {
                (None, Some(language)) => {
                    let language = language.trim().to_owned();
                    block = Some(Block { language, line: number, text: String::new() });
                }
                (Some(_), Some(_)) => document.blocks.extend(block.take()),
                (Some(open), None) => {
                    open.text.push_str(line);
                    open.text.push('\n');
                }
                (None, None) => {
                    if let Some(heading) = heading(line) {
                        document.anchors.push(unique(&slug(heading), &mut seen));
                    }
                    prose.push((number, line));
                }
            }
        }
        let (links, spans) = inline(&prose);
        document.links = links;
        document.spans = spans;
        document
    }
}

/// Returns what a heading says; any other line is none.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    (text.len() < line.len()).then(|| text.strip_prefix(' ')).flatten()
}

/// Makes of a heading what links name: small letters, digits, hyphens for spaces.
fn slug(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

/// A heading that is there again gets a number.
fn unique(slug: &str, seen: &mut BTreeMap<String, usize>) -> String {
    let count =
        seen.entry(slug.to_owned()).and_modify(|it| *it = it.saturating_add(1)).or_insert(0);
    if *count == 0 { slug.to_owned() } else { format!("{slug}-{count}") }
}

/// Takes the targets of links, and what is between backticks, from lines outside blocks.
fn inline(prose: &[(usize, &str)]) -> (Vec<(usize, String)>, Vec<String>) {
    let (mut links, mut spans) = (Vec::new(), Vec::new());
    let mut span: Option<String> = None;
    for (number, line) in prose {
        if line.trim().is_empty() {
            // A span ends with its paragraph.
            span = None;
        }
        let mut rest = *line;
        while let Some(first) = rest.chars().next() {
            let next = rest.get(first.len_utf8()..).unwrap_or_default();
            match (&mut span, first) {
                (Some(_), '`') => spans.extend(span.take()),
                (Some(open), letter) => open.push(letter),
                (None, '`') => span = Some(String::new()),
                (None, ']') if next.starts_with('(') => {
                    let target = next.trim_start_matches('(').split(')').next();
                    links.push((*number, target.unwrap_or_default().to_owned()));
                }
                (None, _) => {}
            }
            rest = next;
        }
        if let Some(open) = &mut span {
            open.push(' ');
        }
    }
    let joined = |span: String| span.split_whitespace().collect::<Vec<_>>().join(" ");
    (links, spans.into_iter().map(joined).collect())
}

/// Splits what a shell is given into commands and their words. It knows quotes, continued lines,
/// comments, `&&`, `;` and `|`; what is redirected and what a command is given in its environment is
/// left out. A substitution is a word as it stands.
pub fn commands(script: &str) -> Vec<Vec<String>> {
    let mut reader = Shell::default();
    let mut letters = script.chars().peekable();
    while let Some(letter) = letters.next() {
        match (reader.quote, letter) {
            (None, '\\') => {
                if let Some(next) = letters.next()
                    && next != '\n'
                {
                    reader.push(next);
                }
            }
            (None, '$') if letters.peek() == Some(&'(') => reader.substitution(&mut letters),
            (None, '#') if reader.word.is_none() => {
                while letters.peek().is_some_and(|next| *next != '\n') {
                    letters.next();
                }
            }
            (None, '\'' | '"') => reader.open(letter),
            (Some(quote), _) if quote == letter => reader.quote = None,
            (None, ' ' | '\t') => reader.end_word(),
            (None, '\n' | ';' | '&' | '|' | '(' | ')' | '{' | '}') => reader.end_command(),
            (None, '>' | '<') => reader.redirect(),
            _ => reader.push(letter),
        }
    }
    reader.end_command();
    reader.commands
}

#[derive(Default)]
struct Shell {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: Option<String>,
    quote: Option<char>,
    redirected: bool,
}

impl Shell {
    fn push(&mut self, letter: char) {
        self.word.get_or_insert_default().push(letter);
    }

    fn open(&mut self, quote: char) {
        self.word.get_or_insert_default();
        self.quote = Some(quote);
    }

    fn substitution(&mut self, letters: &mut impl Iterator<Item = char>) {
        self.push('$');
        let mut depth = 0_usize;
        for letter in letters {
            self.push(letter);
            match letter {
                '(' => depth = depth.saturating_add(1),
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }

    fn redirect(&mut self) {
        // `2>` is a redirection too.
        if self.word.as_deref() == Some("2") {
            self.word = None;
        }
        self.end_word();
        self.redirected = true;
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else {
            return;
        };
        let assignment = self.words.is_empty()
            && word.split_once('=').is_some_and(|(name, _)| {
                name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            });
        if !std::mem::take(&mut self.redirected) && !assignment {
            self.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.redirected = false;
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }
}
