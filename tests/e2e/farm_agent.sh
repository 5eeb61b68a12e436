# An agent of the farm: sh farm_agent.sh LOG. It tells LOG when it begins and ends, and works in between.
set -eu
prompt=$(cat)
tell() { echo "$1 $HEADWAY_SESSION $HEADWAY_BRANCH" >> "$LOG"; }
ours() { git -c user.name=Agent -c user.email=agent@localhost "$@"; }
LOG=$1

case $prompt in
  *'"id": "CI"'*) task=fix; echo sound > state ;;
  *'"id": "CONFLICT"'*)
    task=merge
    git fetch --quiet origin main
    ours merge --quiet --no-edit --strategy-option ours FETCH_HEAD ;;
  *'"id": "FEEDBACK:'*)
    task=answer
    thread=$(printf '%s\n' "$prompt" | sed -n 's/^ *"thread": "\([^"]*\)".*/\1/p')
    echo "as asked" > asked ;;
  *) task=begin; echo broken > state ;;
esac
tell "begin-$task"
sleep 0.3
git add --all
git diff --cached --quiet || ours commit --quiet --message "$task"
git push --quiet origin "HEAD:refs/heads/$HEADWAY_BRANCH"
case $task in
  answer) printf '[{"thread": "%s", "text": "Done.", "resolve": false}]' "$thread" > "$HEADWAY_OUT/replies.json" ;;
  begin) printf '{"title": "%s", "body": "By an agent."}' "$HEADWAY_BRANCH" > "$HEADWAY_OUT/pull-request.json" ;;
esac
tell "end-$task"
