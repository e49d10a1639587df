import type { Role } from '@helix/contract/permissions'

/**
 * Who may call what, written by hand and not read from the contract: a permission that changes there has to be changed here too, by somebody who
 * looks at it. The weakest role that may; `public`: everybody.
 */
const table: Record<Role | 'public', string> = {
  owner: '',
  public: `
    readPublicSpec signInWithLink getSignInOptions requestPasswordReset resetPassword signInWithPassword signUp startSingleSignOn
    verifyEmail verifySecondFactor readInvitation`,
  viewer: `
    createApiKey getMe listApiKeys revokeApiKey setPassword signOut confirmTwoFactor disableTwoFactor enableTwoFactor
    getSecurity removePasskey revokeOtherSessions revokeSession updateProfile listEvents acceptInvitation createOrganisation
    leaveOrganisation listOrganisations listPeople listTeams locate switchOrganisation getOwnRole listProjectMembers
    getProject getProjectSettings listProjects listDeletedProjects getFile getRepository getTree listBranches listCommits listRepositories
    listSessions getBoard getChanges getTask getTimeline listTasks getSpec getJournal getSession listCheckpoints findTaskPaths getTaskAgent getSessionAgent getRecording
    openDesktop listProjectBudgets listTaskBudgets listSessionBudgets
    listCodeComments getSystem listHosts countInbox finishInboxItem listInbox readInboxItem snoozeInboxItem cloneTask
    getFleet
    listLabels createView deleteView listViews listTemplates addPushDevice getNotifications removeOwnWebhook
    removePushDevice setOwnWebhook testNotifications updateNotifications getOnboarding checkProviders listModels getUsage listTaskCalls createPlaygroundKey
    listOwnProviders createOwnProvider updateOwnProvider deleteOwnProvider checkOwnProvider
    listMcpCalls`,
  reviewer: `
    rejectSpec applySuggestions askAgent createSpecLink listSpecLinks listTaskPeople revokeSpecLink setReviewers
    approveImplementation approveSpec requestImplementationChanges requestSpecChanges createComment resolveComment
    createCodeComment deleteCodeComment resolveCodeComment`,
  member: `
    createRepository addDependency archiveTask createTask moveToBacklog removeDependency restoreTask undoArchive retryTask sendPrompt
    startTask updateTask answerPermission editPrompt stopTurn suspendAgent withdrawPrompt sendCodeComments bulkTasks createLabel
    deleteLabel updateLabel createTemplate deleteTemplate addAttachment removeAttachment createSession stopSession suspendSession
    resumeSession editSessionPrompt withdrawSessionPrompt stopSessionTurn answerSessionPermission renameSession promptSession forkCheckpoint execCommand listTerminals openTerminal closeTerminal listFiles listPorts sharePort
    clipRecording setTaskBudget removeTaskBudget setSessionBudget removeSessionBudget`,
  admin: `
    createConnection createServiceAccount deactivatePerson deleteConnection getRegistration listConnections reactivatePerson
    updateConnection updateRegistration createTeam deleteTeam invitePeople listInvitations removePerson revokeInvitation
    updateOrganisation updatePerson updateTeam removeProjectMember setProjectMember setProjectVisibility listAudit
    archiveProject createProject deleteProject restoreProject unarchiveProject updateProject
    applyProjectConfig exportProjectConfig createProjectSecret createSecret deleteProjectSecret deleteSecret
    listProjectSecrets listSecrets updateProjectSecret updateSecret createWebhook deleteWebhook listDeliveries listWebhooks
    redeliver rotateWebhookSecret testWebhook updateWebhook listMail retryMail
    updateOnboarding getHealth listRetries updateHost cordonHost uncordonHost drainHost removeHost setShare
    revokeHost askRotation allowEnrolment getHostLogs
    listBudgets setBudget removeBudget setProjectBudget removeProjectBudget getRateLimits setRateLimits
    listProviders createProvider updateProvider deleteProvider checkProvider setProviderModel listModelAliases setModelAliases
    getModelRules setModelRules getProjectModelRules setProjectModelRules
    listMcpServers createMcpServer updateMcpServer deleteMcpServer checkMcpServer`,
}

export const weakestRole: ReadonlyMap<string, Role | 'public'> = new Map(
  Object.entries(table).flatMap(([role, names]) =>
    names
      .split(/\s+/)
      .filter((name) => name !== '')
      .map((name): [string, Role | 'public'] => [name, role as Role | 'public']),
  ),
)

/** Called by a role that may, these would take away what the next call is about; their own tests show that they work. */
export const endsThings = new Set(
  'leaveOrganisation signOut setPassword removePerson deactivatePerson deleteProject archiveProject updateProfile removeProjectMember setProjectVisibility switchOrganisation deleteTeam updatePerson setProjectMember'.split(
    ' ',
  ),
)
