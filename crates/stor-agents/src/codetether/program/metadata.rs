//! The metadata of a session, with the program's defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::timestamp::Timestamp;

/// The settings of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionMetadata {
    /// The workspace.
    pub directory: Option<PathBuf>,
    /// The model, with its provider: `anthropic/claude-sonnet-4`.
    pub model: Option<String>,
    /// A file with knowledge of the workspace.
    pub knowledge_snapshot: Option<PathBuf>,
    /// Where the session comes from.
    pub provenance: Option<ExecutionProvenance>,
    /// Whether edits are applied without a question.
    #[serde(default)]
    pub auto_apply_edits: bool,
    /// Whether tools may use the network.
    #[serde(default)]
    pub allow_network: bool,
    /// Whether earlier sessions may be used ([`Version::Head`](crate::Version::Head)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_context_allowed: Option<bool>,
    /// The same for the current turn alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_context_turn_allowed: Option<bool>,
    /// The limit that a session above this session set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited_prior_context_allowed: Option<bool>,
    /// Whether commands are completed. A missing field means yes.
    #[serde(default = "yes")]
    pub slash_autocomplete: bool,
    /// Whether the session works in a tree of its own. A missing field means yes.
    #[serde(default = "yes")]
    pub use_worktree: bool,
    /// Whether the session is shared.
    pub shared: bool,
    /// The address of the shared session.
    pub share_url: Option<String>,
    /// The settings of calls to smaller models.
    #[serde(default)]
    pub rlm: RlmConfig,
    /// How a context is made of the messages.
    #[serde(default)]
    pub context_policy: ContextPolicy,
    /// What the program learned about other agents.
    #[serde(default)]
    pub delegation: DelegationState,
    /// The state of a run that can be resumed ([`Version::Head`](crate::Version::Head)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_checkpoint: Option<Value>,
}

fn yes() -> bool {
    true
}

/// Where a session comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionProvenance {
    /// The id: `ctprov_` and 32 hexadecimal digits.
    pub provenance_id: String,
    /// The session.
    pub session_id: Option<String>,
    /// The task.
    pub task_id: Option<String>,
    /// The run.
    pub run_id: Option<String>,
    /// The attempt.
    pub attempt_id: Option<String>,
    /// The time of issue.
    pub issued_at: Timestamp,
    /// The agent.
    pub identity: Identity,
}

/// The agent that made a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The tenant.
    pub tenant_id: Option<String>,
    /// The id of the agent.
    pub agent_identity_id: Option<String>,
    /// The name of the agent.
    pub agent_name: String,
    /// The kind of program: `local_cli`, `worker`, `ralph`, `swarm` or `relay`.
    pub origin: String,
    /// The worker.
    pub worker_id: Option<String>,
    /// The key that signs.
    pub key_id: Option<String>,
    /// The installation at GitHub.
    pub github_installation_id: Option<String>,
    /// The app at GitHub.
    pub github_app_id: Option<String>,
}

/// The settings of calls to smaller models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RlmConfig {
    /// When they are made: `auto` or another mode.
    pub mode: String,
    /// The share of the context from which they are made.
    pub threshold: f64,
    /// The largest number of rounds.
    pub max_iterations: u64,
    /// The largest number of calls.
    pub max_subcalls: u64,
    /// The runtime.
    pub runtime: String,
    /// The model that decides.
    pub root_model: Option<String>,
    /// The model that is called.
    pub subcall_model: Option<String>,
    /// The number of messages from which they are made.
    pub history_trigger_messages: u64,
}

impl Default for RlmConfig {
    fn default() -> Self {
        Self {
            mode: "auto".to_owned(),
            threshold: 0.35,
            max_iterations: 15,
            max_subcalls: 50,
            runtime: "rust".to_owned(),
            root_model: None,
            subcall_model: None,
            history_trigger_messages: 0,
        }
    }
}

/// How a context is made of the messages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case")]
pub enum ContextPolicy {
    /// The older way.
    #[default]
    Legacy,
    /// The context begins anew from this number of tokens on.
    Reset {
        /// The number of tokens.
        threshold_tokens: u64,
    },
    /// A way of a later version.
    #[serde(other)]
    Other,
}

/// What the program learned about other agents.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DelegationState {
    /// By `agent|skill|difficulty|dependency|tool_use`.
    pub beliefs: BTreeMap<String, BeliefState>,
    /// The settings.
    pub config: DelegationConfig,
}

/// What the program learned about one kind of work of one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeliefState {
    /// The first parameter of the distribution.
    pub alpha: f64,
    /// The second parameter of the distribution.
    pub beta: f64,
    /// The number of observations.
    pub n: u64,
    /// The agent's confidence in itself.
    pub c_self: f64,
    /// The weight of that confidence.
    pub kappa: f64,
    /// The time of the last change.
    pub last_update: Timestamp,
}

/// The settings of delegation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DelegationConfig {
    /// How much older observations count.
    pub gamma: f64,
    /// The margin between two agents.
    pub delta: f64,
    /// The weight of an agent's confidence.
    pub kappa: f64,
    /// The weight of the cost.
    pub lambda: f64,
    /// Whether work is delegated.
    pub enabled: bool,
}

impl Default for DelegationConfig {
    fn default() -> Self {
        Self { gamma: 0.5, delta: 0.05, kappa: 2.0, lambda: 1.0, enabled: false }
    }
}
