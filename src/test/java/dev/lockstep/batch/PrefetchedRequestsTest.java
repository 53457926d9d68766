package dev.lockstep.batch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.junit.jupiter.api.Test;

import dev.lockstep.generate.Request;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.replica.Team;

import static org.assertj.core.api.Assertions.assertThat;

class PrefetchedRequestsTest {
    private final List<String> told = new ArrayList<>();
    private final Deque<WorkQueue.Grant> hands = new ArrayDeque<>();
    private final PrefetchedRequests supply = new PrefetchedRequests((free, ahead, idle) -> {
        told.add("ask " + free + (idle ? " idle" : ""));
        return hands.remove();
    }, new PrefetchedRequests.Making() {
        @Override
        public void begin(List<WorkQueue.Item> work) {
            told.add("begin " + work.stream().map(PrefetchedRequestsTest::name).toList());
        }

        @Override
        public List<Request> requests(WorkQueue.Item work) {
            List<Request> requests = new ArrayList<>();
            for (int sample = work.from(); sample < work.to() && work.prompt().error() == null; sample++) {
                requests.add(
                        new Request(work.prompt().index(), sample, new int[1], SamplingParams.greedy(1, List.of())));
            }
            return requests;
        }
    }, Team.alone());

    private static String name(WorkQueue.Item work) {
        return work.prompt().index() + "." + work.from() + "-" + work.to();
    }

    private static WorkQueue.Item work(int index, int samples, boolean apart) {
        return new WorkQueue.Item(new Prompt(index, "id", "t", SamplingOverrides.NONE, null), 0, samples, apart);
    }

    private static List<String> names(List<Request> requests) {
        return requests.stream().map(request -> request.index() + "." + request.sample()).toList();
    }

    /** No more rows are begun than there are slots for, however many were dealt. */
    @Test
    void take_beginsRowsWhenTheyAreWanted() {
        hands.add(WorkQueue.Grant.last(List.of(work(0, 1, false), work(1, 5, false),
                WorkQueue.Item.of(Prompt.broken(2, "2", "no"), 0, 1), work(3, 1, false))));
        assertThat(names(supply.first(3))).containsExactly("0.0", "1.0", "1.1");
        assertThat(names(supply.take(3, true))).containsExactly("0.0", "1.0", "1.1");
        assertThat(names(supply.take(2, false))).containsExactly("1.2", "1.3");
        assertThat(names(supply.take(2, false))).containsExactly("1.4", "3.0");
        assertThat(supply.take(2, true)).isEmpty();
        assertThat(told).containsExactly("ask 3 idle", "begin [0.0-1, 1.0-2]", "begin [1.2-4]", "begin [1.4-5, 2.0-1]",
                "begin [3.0-1]");
        assertThat(supply.rows()).isEqualTo(8);
        assertThat(supply.prompts()).isEqualTo(4);
    }

    /** While suspects are under way nothing else is asked for, and they are asked for when nothing is under way. */
    @Test
    void take_suspects_areUnderWayAlone() {
        hands.add(WorkQueue.Grant.more(List.of(work(0, 1, false))));
        hands.add(WorkQueue.Grant.more(List.of()));
        hands.add(WorkQueue.Grant.more(List.of(work(1, 1, true), work(2, 1, true))));
        hands.add(WorkQueue.Grant.last(List.of(work(3, 1, true))));
        supply.first(1);
        supply.keepAhead(2);
        assertThat(names(supply.take(2, true))).containsExactly("0.0");
        // whether or not the answer to what was asked meanwhile is there: nothing is what it says
        assertThat(supply.take(1, false)).isEmpty();
        assertThat(names(supply.take(1, true))).containsExactly("1.0");
        assertThat(names(supply.take(1, false))).containsExactly("2.0");
        assertThat(supply.take(2, false)).isEmpty();
        assertThat(supply.take(1, false)).isEmpty();
        assertThat(hands).hasSize(1);
        assertThat(names(supply.take(2, true))).containsExactly("3.0");
        assertThat(supply.take(2, true)).isEmpty();
        assertThat(told.stream().filter(what -> what.startsWith("ask"))).containsExactly("ask 1 idle", "ask 1",
                "ask 1 idle", "ask 2 idle");
    }
}
