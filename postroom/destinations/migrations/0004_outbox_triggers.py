"""What fills the outbox: triggers on leads, activities and merges, in the transaction of the change itself.

So no page, job, import or command can change a lead and forget to tell; and one that is rolled back has told
nothing. The functions do as ``destinations.outbox`` says. An account without destinations pays one look into
an index for each statement that adds leads or activities, and nothing for noting the newest mail on a lead.
"""

from django.db import migrations

_COLUMNS = """
    (account_id, destination_id, key, event, lead_id, subject_id, nth, gone,
     state, attempts, due_at, created_at, remote_id, said)
"""
_REST = "'waiting', 0, now(), now(), '', ''"


def _listens(event: str, account: str) -> str:
    """Which destinations ``d`` are told: those that want it, and not the one that it came from."""
    return f"""
        d.account_id = {account} and d.removed_at is null and '{event}' = any (d.events)
        and d.id::text is distinct from current_setting('postroom.from_destination', true)
    """


def _nth(event: str, account: str, subject: str) -> str:
    """The number of what was queued of this event and subject before, whatever lead it was on."""
    return f"""
        coalesce((select max(b.nth) + 1 from destinations_delivery b
                  where b.account_id = {account} and b.destination_id = d.id
                    and b.subject_id = {subject} and b.event = '{event}'), 0)
    """  # noqa: S608 nothing in it comes from outside


_FUNCTIONS = f"""
create function destinations_activities_made() returns trigger language plpgsql as $$
begin
    insert into destinations_delivery {_COLUMNS}
    select n.account_id, d.id, gen_random_uuid(), 'activity.created', n.lead_id, n.id, 0, '{{}}', {_REST}
    from made n join destinations_destination d on {_listens("activity.created", "n.account_id")}
    order by n.id
    on conflict do nothing;
    return null;
end $$;

create function destinations_activity_changed() returns trigger language plpgsql as $$
begin
    -- What is still to be told of it goes in the order of the lead that it is on now.
    update destinations_delivery set lead_id = new.lead_id
    where account_id = new.account_id and subject_id = new.id and lead_id = old.lead_id
      and lead_id <> new.lead_id and state in ('waiting', 'sending', 'unknown')
      and event in ('activity.created', 'activity.updated');
    insert into destinations_delivery {_COLUMNS}
    select new.account_id, d.id, gen_random_uuid(), 'activity.updated', new.lead_id, new.id,
        {_nth("activity.updated", "new.account_id", "new.id")}, '{{}}', {_REST}
    from destinations_destination d
    where {_listens("activity.updated", "new.account_id")}
      and (exists (select from destinations_remoteactivity r
                   where r.account_id = new.account_id and r.destination_id = d.id and r.activity_id = new.id)
           or exists (select from destinations_delivery q
                      where q.account_id = new.account_id and q.destination_id = d.id
                        and q.subject_id = new.id and q.event = 'activity.created' and q.state <> 'dropped'))
      -- What was never sent is put together when it is: it holds this change as well.
      and not exists (select 1 from destinations_delivery w
                      where w.account_id = new.account_id and w.destination_id = d.id
                        and w.subject_id = new.id and w.event in ('activity.created', 'activity.updated')
                        and w.state = 'waiting' and w.attempts = 0
                      for update);
    return null;
end $$;

create function destinations_activities_gone() returns trigger language plpgsql as $$
begin
    update destinations_delivery q set state = 'dropped', said = 'It was deleted before it was sent.'
    from gone g
    where q.account_id = g.account_id and q.subject_id = g.id and q.state = 'waiting' and q.attempts = 0
      and q.event in ('activity.created', 'activity.updated');
    insert into destinations_delivery {_COLUMNS}
    select g.account_id, d.id, gen_random_uuid(), 'activity.deleted', g.lead_id, g.id, 0,
        jsonb_build_object('activity_id', g.id::text, 'lead_id', g.lead_id::text), {_REST}
    from gone g join destinations_destination d on {_listens("activity.deleted", "g.account_id")}
    where exists (select from destinations_remoteactivity r
                  where r.account_id = g.account_id and r.destination_id = d.id and r.activity_id = g.id)
       or exists (select from destinations_delivery q
                  where q.account_id = g.account_id and q.destination_id = d.id and q.subject_id = g.id
                    and q.event in ('activity.created', 'activity.updated')
                    and q.state in ('sending', 'unknown', 'waiting', 'given_up') and q.attempts > 0)
    order by g.id
    on conflict do nothing;
    return null;
end $$;

create function destinations_leads_made() returns trigger language plpgsql as $$
begin
    insert into destinations_delivery {_COLUMNS}
    select n.account_id, d.id, gen_random_uuid(), 'lead.created', n.id, n.id,
        {_nth("lead.created", "n.account_id", "n.id")}, '{{}}', {_REST}
    from made n join destinations_destination d on {_listens("lead.created", "n.account_id")}
    order by n.id;
    return null;
end $$;

create function destinations_lead_changed() returns trigger language plpgsql as $$
begin
    insert into destinations_delivery {_COLUMNS}
    select new.account_id, d.id, gen_random_uuid(), 'lead.updated', new.id, new.id,
        {_nth("lead.updated", "new.account_id", "new.id")}, '{{}}', {_REST}
    from destinations_destination d
    where {_listens("lead.updated", "new.account_id")}
      and not exists (select 1 from destinations_delivery w
                      where w.account_id = new.account_id and w.destination_id = d.id
                        and w.subject_id = new.id and w.event in ('lead.created', 'lead.updated')
                        and w.state = 'waiting' and w.attempts = 0
                      for update);
    return null;
end $$;

create function destinations_leads_gone() returns trigger language plpgsql as $$
begin
    -- Nobody is told the end of what they never heard of.
    with unsent as (
        update destinations_delivery q set state = 'dropped', said = 'It was deleted before it was sent.'
        from gone g
        where q.account_id = g.account_id and q.subject_id = g.id and q.state = 'waiting' and q.attempts = 0
          and q.event in ('lead.created', 'lead.updated')
        returning q.account_id, q.destination_id, q.subject_id, q.event
    ), unmade as (
        update destinations_delivery q set state = 'dropped', said = 'It was merged before it was sent.'
        from unsent u
        where u.event = 'lead.created' and q.account_id = u.account_id and q.destination_id = u.destination_id
          and q.subject_id = u.subject_id and q.event = 'lead.merged'
          and q.state = 'waiting' and q.attempts = 0
    )
    insert into destinations_delivery {_COLUMNS}
    select g.account_id, d.id, gen_random_uuid(), 'lead.deleted', g.id, g.id,
        {_nth("lead.deleted", "g.account_id", "g.id")},
        jsonb_build_object('lead_id', g.id::text), {_REST}
    from gone g join destinations_destination d on {_listens("lead.deleted", "g.account_id")}
    where not exists (select from crm_leadmerge m where m.account_id = g.account_id and m.gone_id = g.id)
      and not exists (select from unsent u
                      where u.account_id = g.account_id and u.destination_id = d.id
                        and u.subject_id = g.id and u.event = 'lead.created')
    order by g.id;
    return null;
end $$;

create function destinations_lead_merged() returns trigger language plpgsql as $$
begin
    insert into destinations_delivery {_COLUMNS}
    select new.account_id, d.id, gen_random_uuid(), 'lead.merged', new.kept_id, new.gone_id,
        {_nth("lead.merged", "new.account_id", "new.gone_id")},
        jsonb_build_object('lead_id', new.gone_id::text, 'into_lead_id', new.kept_id::text), {_REST}
    from destinations_destination d
    where {_listens("lead.merged", "new.account_id")};
    return null;
end $$;
"""  # noqa: S608 nothing in it comes from outside

_TRIGGERS = """
create trigger destinations_activities_made after insert on crm_activity
    referencing new table as made for each statement execute function destinations_activities_made();
create trigger destinations_activity_changed after update on crm_activity
    for each row when (old.kind is distinct from new.kind or old.lead_id is distinct from new.lead_id)
    execute function destinations_activity_changed();
create trigger destinations_activities_gone after delete on crm_activity
    referencing old table as gone for each statement execute function destinations_activities_gone();
create trigger destinations_leads_made after insert on crm_lead
    referencing new table as made for each statement execute function destinations_leads_made();
create trigger destinations_lead_changed after update on crm_lead
    for each row when (
        (old.first_name, old.last_name, old.email, old.company, old.phone, old.custom, old.source_id,
         old.owner_id)
        is distinct from
        (new.first_name, new.last_name, new.email, new.company, new.phone, new.custom, new.source_id,
         new.owner_id))
    execute function destinations_lead_changed();
create trigger destinations_leads_gone after delete on crm_lead
    referencing old table as gone for each statement execute function destinations_leads_gone();
create trigger destinations_lead_merged after insert on crm_leadmerge
    for each row execute function destinations_lead_merged();
"""

_NAMES = {
    "activities_made": "crm_activity",
    "activity_changed": "crm_activity",
    "activities_gone": "crm_activity",
    "leads_made": "crm_lead",
    "lead_changed": "crm_lead",
    "leads_gone": "crm_lead",
    "lead_merged": "crm_leadmerge",
}
_DROP = "".join(
    f"drop trigger destinations_{name} on {table}; drop function destinations_{name}();"
    for name, table in _NAMES.items()
)


class Migration(migrations.Migration):
    dependencies = [
        ("destinations", "0003_outbox"),
        ("crm", "0006_merged_addresses_and_previews"),
    ]

    operations = [migrations.RunSQL(_FUNCTIONS + _TRIGGERS, _DROP)]
