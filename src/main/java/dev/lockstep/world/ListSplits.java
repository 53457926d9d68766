package dev.lockstep.world;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;
import java.util.function.ToDoubleFunction;

/** Ways to divide a list that all ranks have; every one gives views of the list. */
final class ListSplits {
    private ListSplits() {}

    static <T> List<T> block(List<T> items, int rank, int size) {
        Block block = Block.of(items.size(), rank, size);
        return items.subList(block.start(), block.end());
    }

    static <T> List<T> padded(List<T> items, int rank, int size) {
        int each = (int) (((long) items.size() + size - 1) / size);
        return view(each, i -> items.get((int) Math.min((long) rank * each + i, items.size() - 1)));
    }

    static <T> List<T> roundRobin(List<T> items, int rank, int size) {
        int count = (int) (((long) Math.max(0, items.size() - rank) + size - 1) / size);
        return view(count, i -> items.get(rank + i * size));
    }

    static <T> List<T> byWeight(List<T> items, ToDoubleFunction<? super T> weight, int rank, int size) {
        double[] weights = items.stream().mapToDouble(weight).toArray();
        Block block = Block.byWeight(weights, rank, size);
        return items.subList(block.start(), block.end());
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
