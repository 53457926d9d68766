package dev.lockstep.batch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.jspecify.annotations.Nullable;

import dev.lockstep.generate.Request;
import dev.lockstep.generate.RequestSource;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.replica.Team;

/**
 * A rank's samples. More are asked for before they run out, in another thread, so that no slot waits for them. Requests are made
 * of them only when there are slots for them, so that few samples are under way at a time. When which samples are there is the
 * luck of a moment, so of ranks that compute a model together the first has them and tells the others at every call.
 */
final class PrefetchedRequests implements RequestSource {
    /** What becomes of a prompt's samples. */
    interface Making {
        /** Requests will be made of these now, which may cost the rank its life. */
        void begin(List<WorkQueue.Item> work);

        /** Requests, or none where the prompt has become failed results. */
        List<Request> requests(WorkQueue.Item work);
    }

    /** What a call has made requests of. */
    record Made(List<WorkQueue.Item> work) {}

    private final WorkServer.WorkSource source;
    private final Making making;
    private final Team team;
    private final ExecutorService asking = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "rows");
        thread.setDaemon(true);
        return thread;
    });
    private final Deque<WorkQueue.Item> dealt = new ArrayDeque<>();
    private final Deque<Request> ready = new ArrayDeque<>();
    private final List<WorkQueue.Item> made = new ArrayList<>(); // that others of the team are still to be told of
    private final Map<Request, Prompt> prompts = Collections.synchronizedMap(new IdentityHashMap<>());
    private @Nullable Future<WorkQueue.Grant> asked;
    private int askedFor;
    private int ahead;
    private int rowsDealt; // that no requests are made of
    // the last grant had nothing beyond the free slots, so none is asked for any more
    private boolean atTheEnd;
    // there was nothing for free slots, so only suspects are left, for ranks that have nothing under way
    private boolean onlySuspects;
    // what there is are suspects, which nothing may join before all are done
    private boolean apart;
    private boolean over;
    private long rows;
    private final BitSet promptsDealt = new BitSet();

    /** @param source of the first rank of a team; the others do not ask it */
    PrefetchedRequests(WorkServer.WorkSource source, Making making, Team team) {
        this.source = source;
        this.making = making;
        this.team = team;
    }

    /** The first samples, which stay in the supply. Waits for them. */
    List<Request> first(int most) {
        if (team.leads()) {
            collect(ask(most, 0, true));
            make(most);
        }
        tell();
        return List.copyOf(ready);
    }

    /** From now on so many samples are asked for beyond those in slots. */
    void keepAhead(int rowsAhead) {
        ahead = rowsAhead;
    }

    @Override
    public List<Request> take(int most, boolean wait) {
        if (team.leads()) {
            fetch(most, wait);
        }
        tell();
        List<Request> taken = new ArrayList<>();
        while (taken.size() < most && !ready.isEmpty()) {
            taken.add(ready.remove());
        }
        if (team.leads()) {
            askAhead(most - taken.size());
        }
        return taken;
    }

    private void fetch(int most, boolean wait) {
        if (asked != null && asked.isDone()) {
            collect(asked);
        }
        make(most);
        while (wait && ready.isEmpty() && !(over && dealt.isEmpty())) {
            collect(asked == null ? ask(most, ahead, true) : asked);
            make(most);
        }
    }

    private void askAhead(int free) {
        boolean low = ahead > 0 && !atTheEnd && rowsDealt + ready.size() < ahead / 2 + 1;
        if (asked == null && !over && !apart && !onlySuspects && (free > 0 || low)) {
            asked = ask(free, ahead, false);
        }
    }

    /** The team's other ranks make the same requests, in the same order. */
    private void tell() {
        if (team.size() == 1) {
            return;
        }
        List<WorkQueue.Item> work = team.told(new Made(List.copyOf(made)), Made.class).work();
        made.clear();
        if (!team.leads() && !work.isEmpty()) {
            making.begin(work);
            work.forEach(item -> {
                rows += item.rows();
                promptsDealt.set(item.prompt().index());
                addReady(item);
            });
        }
    }

    /** @param idle nothing is under way, and nothing is left of what was dealt */
    private Future<WorkQueue.Grant> ask(int free, int more, boolean idle) {
        askedFor = free;
        return asking.submit(() -> source.deal(free, more, idle));
    }

    private void collect(Future<WorkQueue.Grant> answer) {
        WorkQueue.Grant grant;
        try {
            grant = answer.get();
        } catch (ExecutionException e) {
            if (e.getCause()instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        asked = null;
        over = grant.over();
        atTheEnd = grant.work().isEmpty();
        onlySuspects = atTheEnd && !over && askedFor > 0;
        apart = !atTheEnd && grant.work().get(0).apart();
        for (WorkQueue.Item work : grant.work()) {
            rows += work.rows();
            rowsDealt += work.rows();
            promptsDealt.set(work.prompt().index());
            dealt.add(work);
        }
    }

    /** Makes requests of what was dealt, until so many are ready. */
    private void make(int most) {
        while (ready.size() < most && !dealt.isEmpty()) {
            List<WorkQueue.Item> next = new ArrayList<>();
            for (int room = most - ready.size(); room > 0 && !dealt.isEmpty();) {
                WorkQueue.Item work = dealt.remove();
                WorkQueue.Item part = work.first(room);
                if (part.rows() < work.rows()) {
                    dealt.addFirst(work.from(part.to()));
                }
                next.add(part);
                room -= part.rows();
            }
            making.begin(next);
            for (WorkQueue.Item work : next) {
                rowsDealt -= work.rows();
                addReady(work);
            }
            if (team.size() > 1) {
                made.addAll(next);
            }
        }
    }

    private void addReady(WorkQueue.Item work) {
        for (Request request : making.requests(work)) {
            prompts.put(request, work.prompt());
            ready.add(request);
        }
    }

    /** The prompt that a request was made of, which is then forgotten. */
    Prompt promptOf(Request request) {
        return Objects.requireNonNull(prompts.remove(request));
    }

    /** Samples that this rank has been dealt so far. */
    long rows() {
        return rows;
    }

    /** Prompts that it has been dealt samples of. */
    int prompts() {
        return promptsDealt.cardinality();
    }
}
