package dev.lockstep.generate;

import java.util.Collection;

import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.DecoderAllocation;

/** What the decoder has room for; it grows when no sequence is under way. */
final class CacheReservation {
    private final Decoder decoder;
    // null: none is allocated
    private @Nullable DecoderAllocation size;

    CacheReservation(Decoder decoder) {
        this.decoder = decoder;
    }

    /** At most so many new tokens, by the request or by the context. */
    int limit(Request request) {
        Integer maxLength = request.params().rules().maxLength();
        int context = decoder.config().contextLength();
        int most = maxLength == null ? context : Math.min(context, maxLength);
        return Math.min(request.params().maxNewTokens(), most - request.promptIds().length);
    }

    private static boolean penalized(Request request) {
        SamplingParams params = request.params();
        Double prompt = params.rules().promptRepetitionPenalty();
        return params.repetitionPenalty() != 1 || params.presencePenalty() != 0 || params.frequencyPenalty() != 0
                || prompt != null && prompt != 1;
    }

    /** Tokens of the longest sequence. */
    int capacity(Collection<Request> requests) {
        return requests.stream().mapToInt(request -> request.promptIds().length + limit(request)).max().orElse(0);
    }

    boolean holds(Request request, int slots) {
        return size != null && size.holds(new DecoderAllocation(slots, request.promptIds().length + limit(request),
                request.params().eosTokenIds().size(), penalized(request), request.params().logprobs()));
    }

    /** Makes room for all of these; sequences under way would be lost. */
    void reserve(Collection<Request> requests, int slots) {
        reserve(requests, slots, capacity(requests));
    }

    /**
     * Makes room for these and for those like them that are still to come: the longest prompt of one may meet the most
     * new tokens of another.
     */
    void reserveForMore(Collection<Request> requests, int slots) {
        int prompt = requests.stream().mapToInt(request -> request.promptIds().length).max().orElse(0);
        int more = requests.stream().mapToInt(request -> request.params().maxNewTokens()).max().orElse(0);
        // each growth means an empty batch, so a little more sequence by sequence must not become many of them
        long grown = size == null ? 0 : size.capacity() + size.capacity() / 4L;
        long capacity = Math.max((long) prompt + more, size == null || holds(requests, slots) ? 0 : grown);
        reserve(requests, slots, (int) Math.min(decoder.config().contextLength(), capacity));
    }

    private boolean holds(Collection<Request> requests, int slots) {
        return requests.stream().allMatch(request -> holds(request, slots));
    }

    private void reserve(Collection<Request> requests, int slots, int capacity) {
        DecoderAllocation need = new DecoderAllocation(slots, capacity,
                requests.stream().mapToInt(request -> request.params().eosTokenIds().size()).max().orElse(0),
                requests.stream().anyMatch(request -> penalized(request)),
                Math.max(0, requests.stream().mapToInt(request -> request.params().logprobs()).max().orElse(0)));
        if (size == null || !size.holds(need)) {
            DecoderAllocation both = size == null ? need : size.grown(need);
            size = null;
            decoder.allocate(both);
            size = both;
        }
    }

    /** What was allocated is not to be relied on any more. */
    void forget() {
        size = null;
    }
}
