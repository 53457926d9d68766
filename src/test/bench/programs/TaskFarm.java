import java.util.List;
import java.util.stream.IntStream;

import dev.lockstep.world.World;

/** The area below 4 / (1 + x * x) from 0 to 1, in small tasks that take unequally long. */
public class TaskFarm {
    public record Task(double from, double to, int points) {}

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            int n = args.length > 0 ? Integer.parseInt(args[0]) : 20_000;
            List<Task> tasks = IntStream.range(0, n)
                    .mapToObj(i -> new Task((double) i / n, (i + 1.0) / n, 100 + i % 10 * 100)).toList();
            world.barrier();
            long start = System.nanoTime();
            world.farm(tasks, Task.class, Double.class, TaskFarm::area).ifPresent(areas -> {
                double sum = areas.stream().mapToDouble(Double::doubleValue).sum();
                System.out.printf("area %.12f in %.2f s%n", sum, (System.nanoTime() - start) / 1e9);
            });
        }
    }

    private static double area(Task task) {
        double width = (task.to() - task.from()) / task.points();
        double sum = 0;
        for (int i = 0; i < task.points(); i++) {
            double x = task.from() + (i + 0.5) * width;
            sum += 4 / (1 + x * x);
        }
        return sum * width;
    }
}
