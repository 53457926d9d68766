package dev.lockstep.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;

/** A list of requests as a source, whose completions end up in the order of the list. */
final class OrderedCompletions implements RequestSource, SequenceListener {
    private final List<Request> requests = new ArrayList<>();
    private final IdentityHashMap<Request, Integer> places = new IdentityHashMap<>();
    private final Completion[] completions;
    private final Generator.Progress progress;
    private int next;
    private int done;

    OrderedCompletions(List<Request> all, Generator.Progress progress) {
        this.progress = progress;
        this.completions = new Completion[all.size()];
        for (Request request : all) {
            // a copy, because nothing forbids that the list has the same one twice
            Request mine = new Request(request.index(), request.sample(), request.promptIds(), request.params(),
                    request.forced(), request.embedding());
            places.put(mine, requests.size());
            requests.add(mine);
        }
    }

    @Override
    public List<Request> take(int most, boolean wait) {
        int from = next;
        next = Math.min(requests.size(), from + most);
        return requests.subList(from, next);
    }

    @Override
    public void finished(Request request, Completion completion) {
        completions[Objects.requireNonNull(places.get(request))] = completion;
        done++;
    }

    @Override
    public void stepped(long tokensSoFar, Timing timing) {
        progress.at(done, tokensSoFar);
    }

    /** In order of the requests. */
    List<Completion> completions() {
        return Arrays.asList(completions);
    }
}
