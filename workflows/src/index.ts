export { agentSession } from './agent-session.ts'
export { specTask } from './spec-task.ts'
