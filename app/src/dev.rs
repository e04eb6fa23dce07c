//! `kmip-app dev`: a server for those who want to see one, with a first key.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::{
    client::{self, ClientConfig},
    config::Config,
    init,
    log::Logging,
    report::Report,
    serve,
    server::Server,
};

/// Where the development server lives.
#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// The directory, made on first use.
    #[arg(default_value = "kmip-dev")]
    directory: PathBuf,
    /// Where the server listens, when the directory is made.
    #[arg(long, default_value = "127.0.0.1:5696")]
    address: SocketAddr,
    /// Set one key, as in --set log.level=debug; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Stop after showing the first key.
    #[arg(long)]
    once: bool,
}

/// Makes the directory if need be, serves from it, and shows a key that a client got back.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Report> {
    let directory = &arguments.directory;
    let config_file = directory.join("kmip-app.toml");
    let fresh = !config_file.exists();
    if fresh {
        init::make(&init::Arguments {
            directory: directory.clone(),
            address: arguments.address,
            clients: Vec::new(),
        })?;
    }
    let config = Config::load(Some(&config_file), &arguments.set)?;
    serve::runtime()?.block_on(async {
        let logging = Logging::start(&config.log, &config.telemetry)?;
        serve::harden();
        let server = Server::start(&config, false).await?;
        let (file, set) = (config_file.clone(), arguments.set.clone());
        let read = move || Ok(Config::load(Some(&file), &set)?);
        server.reload().reads_from(serve::origin(read, Some(config_file), &logging));
        let signals = serve::announce(&server)?;
        let mut client = ClientConfig::load(&directory.join("client.toml"))?;
        client.address = server.address().to_string();
        let shutdown = server.shutdown();
        let serving = tokio::spawn(serve::until_signal(server, signals));
        let shown = tokio::task::spawn_blocking(move || client::first_key(&client)).await?;
        if arguments.once || shown.is_err() {
            shutdown.begin();
        }
        if let Ok(key) = &shown {
            println!("{key}");
            if !arguments.once {
                println!("try: kmip-app client --config {}/client.toml query", directory.display());
            }
        }
        serving.await??;
        logging.stop();
        shown.map(drop)
    })
}
