package dev.lockstep.job;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import dev.lockstep.generate.Request;
import dev.lockstep.generate.RequestSource;

/** A rank's rows. More are asked for before they run out, in another thread, so that no slot waits for them. */
final class Supply implements RequestSource {
    /** What becomes of a prompt's samples. */
    interface Making {
        /** Requests, or none where the prompt has become failed results. */
        List<Request> requests(Dealer.Work work);
    }

    private final Desk.Deals deals;
    private final Making making;
    private final ExecutorService asking = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "rows");
        thread.setDaemon(true);
        return thread;
    });
    private final Deque<Request> queue = new ArrayDeque<>();
    private final Deque<Request> alone = new ArrayDeque<>();
    private final Map<Request, Prompt> prompts = Collections.synchronizedMap(new IdentityHashMap<>());
    private Future<Dealer.Hand> asked;
    private int ahead;
    // the last hand had nothing beyond the free slots, so none is asked for any more
    private boolean atTheEnd;
    private boolean over;
    private long rows;
    private int promptsDealt;
    private int lastIndex = -1;

    Supply(Desk.Deals deals, Making making) {
        this.deals = deals;
        this.making = making;
    }

    /** The first rows, which stay in the supply. Waits for them. */
    List<Request> first(int most) {
        ask(most, 0);
        collect();
        return List.copyOf(queue);
    }

    /** From now on so many rows are asked for beyond those in slots. */
    void keepAhead(int rowsAhead) {
        ahead = rowsAhead;
    }

    @Override
    public List<Request> take(int most, boolean wait) {
        if (asked != null && asked.isDone()) {
            collect();
        }
        while (wait && queue.isEmpty() && alone.isEmpty() && !over) {
            if (asked == null) {
                ask(most, ahead);
            }
            collect();
        }
        List<Request> taken = new ArrayList<>();
        if (wait && queue.isEmpty() && !alone.isEmpty()) {
            taken.add(alone.remove());
            return taken;
        }
        while (taken.size() < most && !queue.isEmpty()) {
            taken.add(queue.remove());
        }
        int free = most - taken.size();
        boolean low = ahead > 0 && !atTheEnd && queue.size() < ahead / 2 + 1;
        if (asked == null && !over && alone.isEmpty() && (free > 0 || low)) {
            ask(free, ahead);
        }
        return taken;
    }

    private void ask(int free, int more) {
        asked = asking.submit(() -> deals.deal(free, more));
    }

    private void collect() {
        Dealer.Hand hand;
        try {
            hand = asked.get();
        } catch (ExecutionException e) {
            if (e.getCause()instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        asked = null;
        over = hand.over();
        atTheEnd = hand.work().isEmpty();
        for (Dealer.Work work : hand.work()) {
            rows += work.rows();
            promptsDealt += work.prompt().index() == lastIndex ? 0 : 1;
            lastIndex = work.prompt().index();
            for (Request request : making.requests(work)) {
                prompts.put(request, work.prompt());
                (work.alone() ? alone : queue).add(request);
            }
        }
    }

    /** The prompt that a request was made of, which is then forgotten. */
    Prompt promptOf(Request request) {
        return prompts.remove(request);
    }

    /** Rows that this rank has been dealt so far. */
    long rows() {
        return rows;
    }

    /** Prompts that it has been dealt rows of. */
    int prompts() {
        return promptsDealt;
    }
}
