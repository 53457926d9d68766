package dev.lockstep.decoder.kv;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;

/** The pages of a slot in a group of layers, by place: nobody's where a window has left them, or will never see them. */
final class Places {
    private final List<Integer> pages = new ArrayList<>();
    // no page is before it; and from the other on to the end there is one everywhere
    private int first;
    private int tail;

    int size() {
        return pages.size();
    }

    /** 0: nobody's. */
    int get(int place) {
        return pages.get(place);
    }

    /** How many pages {@link #fill} would take. */
    int lacking(int from, int to) {
        int lacking = Math.max(0, to - Math.max(from, pages.size()));
        for (int place = from; place < Math.min(tail, to); place++) {
            lacking += pages.get(place) == KvPages.NOBODY ? 1 : 0;
        }
        return lacking;
    }

    /** Has a page in each of these places that has none. */
    void fill(int from, int to, IntSupplier take, Filled filled) {
        while (pages.size() < from) {
            pages.add(KvPages.NOBODY);
            tail = pages.size();
        }
        for (int place = from; place < to; place++) {
            if (place < tail && pages.get(place) == KvPages.NOBODY) {
                pages.set(place, take.getAsInt());
                filled.at(place, pages.get(place));
            } else if (place == pages.size()) {
                pages.add(take.getAsInt());
                filled.at(place, pages.get(place));
            }
        }
        while (tail > first && pages.get(tail - 1) != KvPages.NOBODY) {
            tail--;
        }
    }

    /** What is told of a place that was filled. */
    interface Filled {
        void at(int place, int page);
    }

    /** Pages before this place, which would be given back. */
    int before(int place, Counted counted) {
        int count = 0;
        for (int i = first; i < Math.min(place, pages.size()); i++) {
            count += pages.get(i) != KvPages.NOBODY && counted.is(pages.get(i)) ? 1 : 0;
        }
        return count;
    }

    /** Which pages count. */
    interface Counted {
        boolean is(int page);
    }

    /** Gives back what is before this place. */
    void trim(int place, IntConsumer leave) {
        int end = Math.min(place, pages.size());
        for (int i = first; i < end; i++) {
            int page = pages.set(i, KvPages.NOBODY);
            if (page != KvPages.NOBODY) {
                leave.accept(page);
            }
        }
        first = Math.max(first, end);
        tail = Math.max(tail, end);
    }

    /** Gives all back, the last first, so that the beginning of a prompt is what stays longest. */
    void clear(IntConsumer leave) {
        for (int i = pages.size() - 1; i >= first; i--) {
            if (pages.get(i) != KvPages.NOBODY) {
                leave.accept(pages.get(i));
            }
        }
        pages.clear();
        first = 0;
        tail = 0;
    }

    /** A view. */
    List<Integer> until(int place) {
        return pages.subList(0, place);
    }
}
