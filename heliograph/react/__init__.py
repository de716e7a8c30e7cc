"""What happens with events inside: state remembered, consequences drawn, automations run."""
