package dev.lockstep.world;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;
import java.util.function.ToDoubleFunction;

import dev.lockstep.host.Share;

/** Ways to divide a list that all ranks have; every one gives views of the list. */
final class ListSplits {
    private ListSplits() {}

    static <T> Share<T> block(List<T> items, int rank, int size) {
        Block block = Block.of(items.size(), rank, size);
        return Share.of(items, block.start(), block.end());
    }

    static <T> Share<T> padded(List<T> items, int rank, int size) {
        int each = (int) (((long) items.size() + size - 1) / size);
        List<T> padded = view(Math.multiplyExact(each, size), i -> items.get(Math.min(i, items.size() - 1)));
        return Share.of(padded, rank * each, rank * each + each);
    }

    static <T> List<T> roundRobin(List<T> items, int rank, int size) {
        int count = (int) (((long) Math.max(0, items.size() - rank) + size - 1) / size);
        return view(count, i -> items.get(rank + i * size));
    }

    static <T> Share<T> byWeight(List<T> items, ToDoubleFunction<? super T> weight, int rank, int size) {
        double[] weights = items.stream().mapToDouble(weight).toArray();
        Block block = Block.byWeight(weights, rank, size);
        return Share.of(items, block.start(), block.end());
    }

    private interface Item<T> {
        T at(int index);
    }

    private static <T> List<T> view(int length, Item<T> item) {
        final class View extends AbstractList<T> implements RandomAccess {
            @Override
            public T get(int index) {
                if (index < 0 || index >= length) {
                    throw new IndexOutOfBoundsException(index);
                }
                return item.at(index);
            }

            @Override
            public int size() {
                return length;
            }
        }
        return new View();
    }
}
