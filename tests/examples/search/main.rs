//! How long a Locate takes in a store of this size, and what the server needs for the store.
//!
//! `search REQUESTS DIRECTORY=COUNT…`, where each DIRECTORY was made by `kmip-app init` with the
//! clients `client` and `alice` and filled by `bulk_load`. For each, a server is started on the
//! store, each kind of search is asked so often over one connection, and the server is stopped. The
//! table has the medians, and how often the first of them is in the last. With REQUESTS of 0 nothing is
//! searched: the table has only what a start takes.

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use kmip_model::enumeration::{CryptographicAlgorithm, Operation, State, Tag};
use kmip_tests::{
    Answer, Request, clock,
    connection::{Connection, TlsVersions},
    population,
    program::{self, Program},
    request::{
        attribute, enumeration_attribute, identifier, integer, name, template_attribute,
        text_attribute,
    },
    server::Directory,
    tree::{Item, Value},
};

/// Located Items and Offset Items are there from 1.3 on.
const VERSION: (i32, i32) = (1, 4);

/// What is not exceeded at the last size.
const SLOWER: f64 = 2.0;
const MEMORY_MIB: f64 = 150.0;
const START: Duration = Duration::from_millis(100);

/// What comes before the first measured request, so that neither side is cold.
const WARM: u64 = 20;

/// How many keys are created for the figure of Create.
const CREATED: u64 = 300;

/// A kind of search.
struct Kind {
    name: &'static str,
    client: &'static str,
    /// Makes the payload of request number `n` in a store of `count`.
    payload: fn(n: u64, count: u64) -> Vec<Item>,
    /// Says whether the criterion is for it, or it is only looked at.
    required: bool,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "Name",
        client: population::MANY,
        payload: |n, count| vec![name(&population::name(some(n, count)))],
        required: true,
    },
    Kind {
        name: "custom attribute",
        client: population::MANY,
        payload: |n, count| vec![text_attribute("x-batch", &population::batch(some(n, count)))],
        required: true,
    },
    Kind {
        name: "State, Algorithm, Usage Mask; Maximum 1",
        client: population::MANY,
        payload: |_, _| {
            let mut payload = at_most(1);
            payload.extend(usable(State::Active, CryptographicAlgorithm::Aes, 4));
            payload
        },
        required: true,
    },
    Kind {
        name: "Initial Date within a range of ten",
        client: population::MANY,
        payload: |n, count| {
            let first = some(n, count).min(count.saturating_sub(20));
            // Every second object is this client's; the twentieth is just outside.
            vec![
                initial_date(population::initial_date(first, count)),
                initial_date(population::initial_date(first.saturating_add(19), count)),
            ]
        },
        required: true,
    },
    Kind {
        name: "no filter, Maximum 1, owner of ten",
        client: population::FEW,
        payload: |_, _| at_most(1),
        required: true,
    },
    Kind {
        name: "no filter, Offset 1,000, Maximum 10",
        client: population::MANY,
        payload: |_, _| {
            let mut payload = at_most(10);
            payload.push(integer(Tag::OffsetItems, 1_000));
            payload
        },
        required: true,
    },
    Kind {
        name: "five of a rare kind among all; Maximum 1",
        client: population::MANY,
        payload: |_, _| {
            let mut payload = at_most(1);
            payload.extend(usable(State::Active, CryptographicAlgorithm::Des3, 0x100));
            payload
        },
        required: false,
    },
    Kind {
        name: "a rare Algorithm alone",
        client: population::MANY,
        payload: |_, _| {
            vec![enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Des3)]
        },
        required: false,
    },
    Kind {
        name: "State alone, owner of ten; Maximum 1",
        client: population::FEW,
        payload: |_, _| {
            let mut payload = at_most(1);
            payload.push(enumeration_attribute("State", State::Active));
            payload
        },
        required: false,
    },
    Kind {
        name: "State alone; Maximum 1",
        client: population::MANY,
        payload: |_, _| {
            let mut payload = at_most(1);
            payload.push(enumeration_attribute("State", State::Compromised));
            payload
        },
        required: false,
    },
    Kind {
        name: "State none has; Maximum 1",
        client: population::MANY,
        payload: |_, _| {
            let mut payload = at_most(1);
            payload.push(enumeration_attribute("State", State::DestroyedCompromised));
            payload
        },
        required: false,
    },
];

/// Picks an object of the client that has many.
fn some(n: u64, count: u64) -> u64 {
    let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed.checked_rem(count / 2).unwrap_or_default().saturating_mul(2)
}

fn at_most(items: i32) -> Vec<Item> {
    vec![integer(Tag::MaximumItems, items)]
}

fn usable(state: State, algorithm: CryptographicAlgorithm, mask: i32) -> Vec<Item> {
    vec![
        enumeration_attribute("State", state),
        enumeration_attribute("Cryptographic Algorithm", algorithm),
        attribute("Cryptographic Usage Mask", Value::Integer(mask)),
    ]
}

fn initial_date(seconds: i64) -> Item {
    attribute("Initial Date", Value::DateTime(seconds))
}

/// What one store has come to: microseconds for each kind of search, and the other figures.
struct Figures {
    searches: Vec<f64>,
    found: Vec<usize>,
    create: Option<f64>,
    start: Duration,
    memory: f64,
    store: f64,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("search: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [requests, stores @ ..] = arguments.as_slice() else {
        return Err("REQUESTS DIRECTORY=COUNT…".into());
    };
    let requests: u64 = requests.parse()?;
    let mut all = Vec::new();
    for store in stores {
        let (directory, count) = store.split_once('=').ok_or("DIRECTORY=COUNT")?;
        let count: u64 = count.parse()?;
        eprintln!("measuring with {count} objects");
        all.push((count, measure(Path::new(directory), count, requests)?));
    }
    Ok(print(&all))
}

fn measure(directory: &Path, count: u64, requests: u64) -> Result<Figures, Box<dyn Error>> {
    let path = program::path().ok_or("kmip-app is not built beside this program")?;
    let directory = Directory::at(directory);
    let begun = Instant::now();
    let program = Program::serve(&path, &directory, &[])?;
    let mut connection =
        Connection::open(&directory.target(program.address(), "alice"), TlsVersions::Any)?;
    connection.ask(&Request::one(VERSION, Operation::Locate, at_most(1))).identifiers();
    let start = begun.elapsed();
    let (mut searches, mut found) = (Vec::new(), Vec::new());
    let kinds = if requests == 0 { &[] } else { KINDS };
    for kind in kinds {
        let target = directory.target(program.address(), kind.client);
        let mut connection = Connection::open(&target, TlsVersions::Any)?;
        let mut times = Vec::new();
        let mut items = 0;
        for n in 0..requests.saturating_add(WARM) {
            let request = Request::one(VERSION, Operation::Locate, (kind.payload)(n, count));
            let Ok((answer, time)) = timed(&mut connection, &request) else {
                // There was no answer in time; the others may be better.
                times = vec![f64::INFINITY];
                break;
            };
            items = items.max(answer.identifiers().len());
            if n >= WARM {
                times.push(time);
            }
        }
        searches.push(median(times));
        found.push(items);
    }
    let create = if requests == 0 { None } else { Some(create(&directory, &program)?) };
    let memory = memory(program.id())?;
    let store = size(&directory)?;
    program.signal("TERM");
    Ok(Figures { searches, found, create, start, memory, store })
}

/// Creates keys, one after the other.
fn create(directory: &Directory, program: &Program) -> Result<f64, Box<dyn Error>> {
    let target = directory.target(program.address(), "bob");
    let mut connection = Connection::open(&target, TlsVersions::Any)?;
    let mut times = Vec::new();
    let run = clock::now();
    for n in 0..CREATED {
        let attributes = vec![
            enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Aes),
            attribute("Cryptographic Length", Value::Integer(256)),
            attribute("Cryptographic Usage Mask", Value::Integer(12)),
            name(&format!("created-{run}-{n}")),
            text_attribute("x-batch", &format!("created-{run}")),
        ];
        let payload = vec![
            kmip_tests::request::enumeration(
                Tag::ObjectType,
                kmip_model::enumeration::ObjectType::SymmetricKey,
            ),
            template_attribute(attributes),
        ];
        let request = Request::one(VERSION, Operation::Create, payload);
        let (answer, time) = timed(&mut connection, &request)?;
        let id = answer.identifier();
        times.push(time);
        let destroy = Request::one(VERSION, Operation::Destroy, vec![identifier(&id)]);
        connection.ask(&destroy).identifier();
    }
    Ok(median(times))
}

fn timed(connection: &mut Connection, request: &Request) -> Result<(Answer, f64), Box<dyn Error>> {
    let message = request.message();
    let bytes = message.encode()?;
    let begun = Instant::now();
    connection.send(&bytes)?;
    let answer = connection.receive()?;
    let time = begun.elapsed().as_secs_f64() * 1e6;
    Ok((Answer::to(&message, Item::decode(&answer)?), time))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn print(all: &[(u64, Figures)]) -> bool {
    let line = |name: &str, values: Vec<String>, last: &str| {
        let columns: Vec<String> = values.iter().map(|value| format!("{value:>11}")).collect();
        println!("| {name:<41} |{}| {last:>8} |", columns.join(" |"));
    };
    let each = |value: &dyn Fn(&Figures) -> String| -> Vec<String> {
        all.iter().map(|(_, figures)| value(figures)).collect()
    };
    line("median, µs", all.iter().map(|(count, _)| count.to_string()).collect(), "last/1st");
    println!("|{:-<43}|{}{:->10}|", "", format!("{:->12}|", ":").repeat(all.len()), ":");
    let mut holds = true;
    let measured = all.iter().map(|(_, figures)| figures.searches.len()).min().unwrap_or_default();
    for (position, kind) in KINDS.iter().enumerate().take(measured) {
        let at = |figures: &Figures| figures.searches.get(position).copied().unwrap_or(f64::NAN);
        let ratio = match (all.first(), all.last()) {
            (Some((_, first)), Some((_, last))) => at(last) / at(first),
            _ => f64::NAN,
        };
        let found = all.last().and_then(|(_, figures)| figures.found.get(position));
        let name = format!("{} ({})", kind.name, found.copied().unwrap_or_default());
        line(&name, each(&|figures| format!("{:.0}", at(figures))), &format!("{ratio:.2}"));
        holds &= !kind.required || ratio <= SLOWER;
    }
    if all.iter().all(|(_, figures)| figures.create.is_some()) {
        line("Create", each(&|it| format!("{:.0}", it.create.unwrap_or(f64::NAN))), "");
    }
    line("start to first answer, ms", each(&|it| it.start.as_millis().to_string()), "< 100");
    line("memory at most, MiB", each(&|figures| format!("{:.0}", figures.memory)), "< 150");
    line("store, MiB", each(&|figures| format!("{:.0}", figures.store)), "");
    holds && all.iter().all(|(_, it)| it.start < START && it.memory < MEMORY_MIB)
}

/// Reads the most memory that the process has ever had, in MiB.
fn memory(process: u32) -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: u32 =
        number.ok_or("the process does not say how much memory it has")?.parse()?;
    Ok(f64::from(kibibytes) / 1024.0)
}

fn size(directory: &Directory) -> Result<f64, Box<dyn Error>> {
    let bytes = fs::metadata(directory.store())?.len();
    Ok(f64::from(u32::try_from(bytes >> 20)?))
}
