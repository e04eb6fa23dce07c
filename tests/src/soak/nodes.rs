//! The nodes: processes that are started, killed, stopped, told to read their files again, and
//! whose memory is looked at.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    balancer::{Balancer, Ending, Life},
    memory::Course,
};
use crate::{load::process, program::Program, server::Directory};

/// How long a node is left alone between the balancer's last connection for it and SIGTERM.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a node is made of.
pub struct Nodes {
    program: PathBuf,
    directory: Arc<Directory>,
    arguments: Vec<String>,
    balancer: Arc<Balancer>,
    begun: Instant,
    running: Vec<Running>,
    logs: Vec<PathBuf>,
    /// The memory of every life, in the order of their beginnings.
    pub memory: Vec<Course>,
}

struct Running {
    program: Program,
    life: Arc<Life>,
    course: usize,
}

impl Nodes {
    /// Makes a place for nodes that share a directory and, if there are several, a database.
    pub fn new(
        program: PathBuf,
        directory: Arc<Directory>,
        arguments: Vec<String>,
        balancer: Arc<Balancer>,
    ) -> Self {
        Self {
            program,
            directory,
            arguments,
            balancer,
            begun: Instant::now(),
            running: Vec::new(),
            logs: Vec::new(),
            memory: Vec::new(),
        }
    }

    /// Counts time from now on, and forgets what memory was before.
    pub fn begin(&mut self) {
        self.begun = Instant::now();
        for course in &mut self.memory {
            course.begun = Duration::ZERO;
            course.samples.clear();
        }
    }

    /// Starts a node, and lets the balancer send it connections.
    ///
    /// # Errors
    /// What it said instead.
    pub fn start(&mut self, node: usize) -> Result<(), String> {
        let number = self.memory.iter().filter(|course| course.node == node).count();
        let number = number.saturating_add(1);
        let log = self.directory.path().join(format!("node-{node}-life-{number}.log"));
        let name = format!("node.name=node-{node}");
        let mut arguments = vec!["--set", name.as_str()];
        arguments.extend(self.arguments.iter().map(String::as_str));
        if self.memory.is_empty() {
            // The database is empty, and is meant to be.
            arguments.push("--create-store");
        }
        self.logs.push(log.clone());
        let program = Program::serve_logging(&self.program, &self.directory, &arguments, &log)
            .map_err(|_| format!("node {node} does not start: {}", last_line(&log)))?;
        let life = Arc::new(Life::new(node, number, program.address()));
        let begun = self.begun.elapsed();
        self.memory.push(Course { node, life: number, begun, samples: Vec::new() });
        let course = self.memory.len().saturating_sub(1);
        self.balancer.add(Arc::clone(&life));
        self.running.push(Running { program, life, course });
        self.note();
        Ok(())
    }

    /// Kills a node without a warning; the balancer does not know before.
    ///
    /// # Errors
    /// If it is not there.
    pub fn kill(&mut self, node: usize) -> Result<(), String> {
        let running = self.take(node)?;
        running.life.ends(Ending::Killed);
        running.program.kill();
        self.note();
        Ok(())
    }

    /// Takes a node out of the balancer, then ends it with SIGTERM.
    ///
    /// # Errors
    /// If it is not there, or does not end well.
    pub fn stop(&mut self, node: usize) -> Result<(), String> {
        let running = self.take(node)?;
        self.balancer.remove(node);
        wait(FAREWELL);
        running.life.ends(Ending::Stopped);
        let status = running.program.signal("TERM");
        self.note();
        status.success().then_some(()).ok_or_else(|| format!("node {node} ended with {status}"))
    }

    /// Stops every node that is left.
    ///
    /// # Errors
    /// If one does not end well.
    pub fn stop_all(&mut self) -> Result<(), String> {
        let left: Vec<usize> = self.running.iter().map(|running| running.life.node).collect();
        left.into_iter().try_for_each(|node| self.stop(node))
    }

    /// Sends SIGHUP to every node that lives.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn hang_up(&self) -> Result<usize, String> {
        for running in &self.running {
            running.program.hang_up().map_err(|error| error.to_string())?;
        }
        Ok(self.running.len())
    }

    /// Lists the nodes that live.
    pub fn lives(&self) -> Vec<Arc<Life>> {
        self.running.iter().map(|running| Arc::clone(&running.life)).collect()
    }

    /// Looks at the memory of every node that lives; says which has ended by itself.
    ///
    /// # Errors
    /// If one has.
    pub fn look(&mut self) -> Result<(), String> {
        let at = self.begun.elapsed();
        for Running { program, life, course } in &self.running {
            let memory = process::memory(program.id());
            let memory =
                memory.map_err(|error| format!("node {} has ended: {error}", life.node))?;
            if let Some(course) = self.memory.get_mut(*course) {
                course.samples.push((at, memory));
            }
        }
        Ok(())
    }

    /// Returns the lines of every log that tell of an error, and of a panic.
    pub fn errors(&self) -> Vec<String> {
        let mut found = Vec::new();
        for log in &self.logs {
            // One that cannot be read is told of, too.
            let text = fs::read_to_string(log).unwrap_or_else(|error| format!("ERROR {error}"));
            let chosen = text.lines().filter(|line| tells_of_error(line));
            found.extend(chosen.map(|line| format!("{}: {line}", log.display())));
        }
        found
    }

    fn take(&mut self, node: usize) -> Result<Running, String> {
        let place = self.running.iter().position(|running| running.life.node == node);
        place.map(|place| self.running.remove(place)).ok_or(format!("node {node} is not there"))
    }

    /// Writes down the processes that live, for whoever has to end them if this one is killed.
    fn note(&self) {
        let ids: Vec<String> =
            self.running.iter().map(|running| running.program.id().to_string()).collect();
        // Without it they only outlive a process that was killed.
        let _ = fs::write(self.directory.path().join("nodes.pid"), ids.join("\n"));
    }
}

fn tells_of_error(line: &str) -> bool {
    line.contains("ERROR") || line.contains("panicked at")
}

fn last_line(log: &PathBuf) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("it has said nothing").to_owned()
}

/// Lets time pass: a soak lasts as long as it is asked to.
pub(super) fn wait(time: Duration) {
    let end = Instant::now().checked_add(time);
    while let Some(left) = end.and_then(|end| end.checked_duration_since(Instant::now())) {
        std::thread::park_timeout(left);
    }
}
