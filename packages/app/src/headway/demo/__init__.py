"""The main job, rehearsed: a sandbox in GitHub's place, a scripted agent, three stories.

Everything but the agent's wit is real: git, worktrees, processes, tests that fail, HTTP.
"""
